package store

import (
	"slices"
	"strings"
)

// carried is one sort of row that travels with a chart. A column that is not
// among columns stays behind: passwords of uploads, leases, who may see what.
type carried struct {
	table   string
	columns []string
	key     string // orders the rows; with the tenant, it identifies one
	from    string // the rows of the patient $2 in the tenant $1
	// shared rows may be the clinic's own already, and other there: they are added
	// where they are missing, and not compared.
	shared bool
	// retired columns are in exports of earlier versions, and left out.
	retired []string
	// as says how a column is read where it is not the table's own.
	as map[string]string
}

// The tables of a chart, in the order in which they can be restored.
var charts = []carried{
	{
		table: "member", key: "id", shared: true, columns: words("id kind display"),
		from: `member t WHERE t.tenant_id = $1 AND t.id IN (` + namedInChart + `)`,
	},
	{
		table: "kind", key: "code", shared: true, columns: words("code version retired entry set_by set_at"),
		from: `(SELECT DISTINCT ON (k.code) k.* FROM kind k WHERE k.tenant_id = $1
			AND k.code IN (SELECT f.kind FROM file f WHERE f.tenant_id = $1 AND f.patient_id = $2) ORDER BY k.code, k.version DESC) t WHERE true`,
	},
	{
		table: "patient", key: "id", columns: words("id display_name identifiers care_groups created_at created_by"),
		from: `patient t WHERE t.tenant_id = $1 AND t.id = $2`,
	},
	{
		table: "encounter", key: "id", from: ofPatient("encounter"),
		columns: words("id patient_id status started_at ended_at created_at created_by"),
	},
	{
		// Of an upload that became a file; it is in the chart that its file is in.
		table: "upload", key: "id",
		columns: words(`id patient_id encounter_id owner_id kind category resource_type title content_type sniffed body_site captured_at
			note_id length max_size at_offset parts_end state file_id object_key announced_sha sha256 sha1 scan_rule mismatch_rule
			allow_empty ttl created_at updated_at expires_at`),
		retired: words("crc64"),
		from:    `upload t JOIN file f ON f.tenant_id = t.tenant_id AND f.upload_id = t.id WHERE f.tenant_id = $1 AND f.patient_id = $2`,
		as:      map[string]string{"patient_id": "f.patient_id", "encounter_id": "f.encounter_id", "object_key": relativeKey("f")},
	},
	{
		table: "file", key: "id", retired: words("crc64"), from: ofPatient("file"), as: map[string]string{"object_key": relativeKey("t")},
		columns: words(`id patient_id encounter_id upload_id resource_type kind category status scan_status scan_required legal_hold
			confidentiality labels department title content_type size sha256 sha1 object_key version created_at updated_at
			captured_at duration width height body_site uploaded_by supersedes superseded_by purged_at`),
	},
	{
		table: "scan", key: "id", columns: words("id file_id file_version status engine detail reported_by reported_at"),
		from: ofFiles("scan"),
	},
	{
		table: "deletion", key: "file_id", as: map[string]string{"object_key": relativeKey("t")},
		columns: words("file_id patient_id kind object_key size sha256 rule decided_at deleted_at"), from: ofFiles("deletion"),
	},
	{
		table: notes, key: "id", from: ofPatient("note"),
		columns: words(`id patient_id encounter_id status version title text text_sha256 sources confidentiality author_id author_kind
			signer_id signed_at amends amended_by created_at updated_at`),
	},
	{
		table: "provenance", key: "id", from: ofPatient("provenance") + ` AND t.activity <> 'import'`,
		columns: words("id patient_id recorded_at activity targets sources agents signature reason"),
	},
	{
		table: Arrivals, key: "id", from: ofPatient("provenance") + ` AND t.activity = 'import'`,
		columns: words("id patient_id recorded_at activity targets sources agents signature reason"),
	},
}

const (
	// notes carry their versions along, in the column versions.
	notes = "note"
	// Arrivals are rows of provenance that tell of an import. They are of the way
	// that a chart went, and not of the chart.
	Arrivals = "arrival"
)

// versionColumns are what travels of each version of a note.
var versionColumns = words("version status title text text_sha256 sources made_by made_kind made_at")

// namedInChart are the principals that a chart names, in its rows and in its evidence.
const namedInChart = `SELECT created_by FROM patient WHERE tenant_id = $1 AND id = $2
	UNION SELECT created_by FROM encounter WHERE tenant_id = $1 AND patient_id = $2
	UNION SELECT unnest(ARRAY[f.uploaded_by, u.owner_id]) FROM file f JOIN upload u ON u.tenant_id = f.tenant_id AND u.id = f.upload_id
	  WHERE f.tenant_id = $1 AND f.patient_id = $2
	UNION SELECT s.reported_by FROM scan s JOIN file f ON f.tenant_id = s.tenant_id AND f.id = s.file_id WHERE f.tenant_id = $1 AND f.patient_id = $2
	UNION SELECT unnest(ARRAY[n.author_id, n.signer_id]) FROM note n WHERE n.tenant_id = $1 AND n.patient_id = $2
	UNION SELECT v.made_by FROM note n JOIN note_version v ON v.tenant_id = n.tenant_id AND v.note_id = n.id WHERE n.tenant_id = $1 AND n.patient_id = $2
	UNION SELECT unnest(ARRAY[a->>'actor', a->>'onBehalfOf'])::uuid FROM provenance p, jsonb_array_elements(p.agents) a WHERE p.tenant_id = $1 AND p.patient_id = $2`

func words(s string) []string { return strings.Fields(s) }

func ofPatient(table string) string {
	return table + ` t WHERE t.tenant_id = $1 AND t.patient_id = $2`
}

func ofFiles(table string) string {
	return table + ` t JOIN file f ON f.tenant_id = t.tenant_id AND f.id = t.file_id WHERE f.tenant_id = $1 AND f.patient_id = $2`
}

// relativeKey is an object's key without the tenant that it begins with.
func relativeKey(alias string) string {
	return `substr(` + alias + `.object_key, length(` + alias + `.tenant_id) + 2)`
}

// CarriedTables are the sorts of rows that a chart travels as, in their order.
func CarriedTables() []string {
	out := make([]string, len(charts))
	for i, t := range charts {
		out[i] = t.table
	}
	return out
}

func carriedTable(name string) (carried, bool) {
	i := slices.IndexFunc(charts, func(t carried) bool { return t.table == name })
	if i < 0 {
		return carried{}, false
	}
	return charts[i], true
}

// stored is the table that the rows live in.
func (t carried) stored() string {
	if t.table == Arrivals {
		return "provenance"
	}
	return t.table
}

// selection reads rows as JSON objects of the columns, each with its key.
func (t carried) selection() string {
	var b strings.Builder
	b.WriteString(`SELECT t.` + t.key + `::text AS key, to_jsonb((SELECT x FROM (SELECT `)
	for i, c := range t.columns {
		if i > 0 {
			b.WriteString(", ")
		}
		if as, ok := t.as[c]; ok {
			b.WriteString(as + ` AS ` + c)
		} else {
			b.WriteString(`t.` + c)
		}
	}
	if t.table == notes {
		b.WriteString(`, (SELECT jsonb_agg(to_jsonb((SELECT y FROM (SELECT v.` + strings.Join(versionColumns, `, v.`) + `) y)) ORDER BY v.version)
			FROM note_version v WHERE v.tenant_id = t.tenant_id AND v.note_id = t.id) AS versions`)
	}
	b.WriteString(`) x)) AS row FROM ` + t.from)
	return b.String()
}
