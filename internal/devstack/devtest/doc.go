// Package devtest gives tests the real thing: a Postgres and an S3 server shared by all tests of a test binary, and for each test a database
// and a bucket of its own.
//
//	func TestMain(m *testing.M) { devtest.Main(m) }
//
//	func TestSomething(t *testing.T) {
//		t.Parallel()
//		env := devtest.NewFrom(t, "schema", migrate) // env.AppURL, env.Bucket, ...
//	}
//
// A test that stops or kills a server asks for servers of its own with NewPrivate. The schema is the caller's business: NewFrom is handed
// the function that makes it.
package devtest
