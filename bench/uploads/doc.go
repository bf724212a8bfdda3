// Package uploads measures the upload engine against what it replaces, in the
// same run on the same S3 server: the AWS SDK's own uploader straight to S3, and
// tusd with its S3 store. Server, tusd and S3 are processes of their own, so that
// what they cost can be told from what the clients cost. Wall times on a shared
// machine mean little; the ratios within one round do.
//
// What lives here: the rivals, the networks between them, the workloads. What
// does not: the table made of the figures (bench/report).
//
//	make bench ARGS='-bench Upload'
package uploads
