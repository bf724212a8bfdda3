package arch_test

import "strings"

// module is our own import path; rooms are named relative to it.
const module = "github.com/bonfiredb/bonfire"

// room is one package, or a package and those below it, and its step on the
// stairs: it imports rooms of lower steps only.
type room struct {
	path string
	step int
	bare bool // imports the standard library only
	// without lists what the room does not import, with the reason. A name
	// without a dot is the standard library's; a trailing slash means all below.
	without map[string]string
}

// rooms is the plan; steps between 0 and 6 are those of the architecture, and
// what is internal to the program stands beside the room it belongs to.
var rooms = []room{
	{path: "clinical", step: 0, bare: true},
	{path: "seal", step: 0, bare: true}, // a trail can be checked by a program that shares nothing else

	{path: "policy", step: 1, without: reasons("policy judges: it neither asks a database nor speaks to anyone", "database/", "net", "net/http", "os", bun, pgx, aws)},
	{path: "fhir", step: 1, without: reasons("fhir is pure: nouns in, JSON out", "database/", "net", "net/http", "os", "os/", bun, pgx, aws)},
	{path: "fhir/validator", step: 1},
	{path: "web", step: 1, without: reasons("web serves files and knows no rule of the server", "database/", bun, pgx, aws)},

	{path: "store", step: 2, without: reasons("store remembers in SQL: no S3, no HTTP", aws, "net/http")},
	{path: "blob", step: 2, without: reasons("blob keeps bytes: no SQL", "database/", bun, pgx)},
	{path: "events", step: 2},
	{path: "signing", step: 2, without: reasons("signing holds keys: it stores nothing and speaks to nobody", "database/", "net/http", bun, pgx, aws)},
	{path: "ledger", step: 3, without: reasons("the ledger commits through store and blob", "net/http", bun, aws, tusd, gqlgen)},
	{path: "records", step: 4, without: reasons("records are verbs: no protocol, no SQL, no S3", "net/http", bun, pgx, aws, tusd, gqlgen)},

	{path: "auth", step: 5, without: reasons("auth knows tokens; rows are store's", bun, pgx, aws, gqlgen, tusd)},
	{path: "graph", step: 6, without: reasons("resolvers translate: SQL is store's, S3 is blob's", "database/", bun, pgx, aws, tusd)},
	{path: "uploads", step: 6, without: reasons("uploads speak tus: SQL is store's, S3 is blob's", "database/", bun, pgx, aws, gqlgen)},
	{path: "fhirapi", step: 6, without: reasons("the facade translates: SQL is store's, S3 is blob's", "database/", bun, pgx, aws, gqlgen, tusd)},

	{path: "internal/access", step: 0}, // tests only, and these may import what they like
	{path: "internal/arch", step: 0},
	{path: "internal/config", step: 0},
	{path: "internal/devstack", step: 0, without: reasons("the stack knows servers, not schemas", bun, pgx, "database/sql")},
	{path: "internal/faultproxy", step: 0, without: reasons("the proxies know protocols, not schemas", bun, pgx, aws)},
	{path: "internal/media", step: 0},
	{path: "internal/tusclient", step: 0, bare: true},
	{path: "internal/sender", step: 1},
	{path: "internal/adopt", step: 6},
	{path: "internal/demo", step: 6},
	{path: "internal/server", step: 7},
	{path: "internal/clinictest", step: 7},
	{path: "internal/cli", step: 8},
	{path: "cmd/bonfire", step: 9},
	{path: "internal/e2e", step: 9},
	{path: "bench", step: 9},
}

// Modules that belong to one room.
const (
	bun    = "github.com/uptrace/bun/"
	pgx    = "github.com/jackc/pgx/"
	aws    = "github.com/aws/"
	gqlgen = "github.com/99designs/gqlgen/"
	tusd   = "github.com/tus/tusd/"
)

func reasons(why string, imports ...string) map[string]string {
	out := make(map[string]string, len(imports))
	for _, i := range imports {
		out[i] = why
	}
	return out
}

// roomOf is the room that holds the package: the longest path that fits.
func roomOf(path string) (room, bool) {
	var best room
	for _, r := range rooms {
		if (path == r.path || strings.HasPrefix(path, r.path+"/")) && len(r.path) > len(best.path) {
			best = r
		}
	}
	return best, best.path != ""
}

// judge gives the reason why the package path (relative to the module) must
// not import the other; "" when it may.
func judge(path, imported string) string {
	from, ok := roomOf(path)
	if !ok {
		return path + " is in no room: give it a line in internal/arch/rooms_test.go"
	}
	if from.bare && !standard(imported) {
		return from.path + " imports the standard library only"
	}
	for name, why := range from.without {
		if imported == strings.TrimSuffix(name, "/") || strings.HasSuffix(name, "/") && strings.HasPrefix(imported, name) {
			return why
		}
	}
	ours, ok := strings.CutPrefix(imported, module+"/")
	if !ok {
		return ""
	}
	to, ok := roomOf(ours)
	switch {
	case !ok:
		return ours + " is in no room: give it a line in internal/arch/rooms_test.go"
	case to.path == from.path:
		return ""
	case strings.HasPrefix(to.path, "cmd/"):
		return "nothing imports a program"
	case strings.HasPrefix(to.path, "internal/") && !inProgram(from.path):
		return "internal/ is the program around the rooms; rooms are told what they need"
	case to.step >= from.step:
		return "imports point down the stairs, and " + to.path + " is not below " + from.path
	}
	return ""
}

// inProgram reports whether the room is part of the program around the others.
func inProgram(path string) bool {
	return strings.HasPrefix(path, "internal/") || strings.HasPrefix(path, "cmd/") || path == "bench"
}

// standard reports whether the import path is the standard library's: those have no dot in their first element.
func standard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}
