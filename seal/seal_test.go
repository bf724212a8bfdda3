package seal_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/seal"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 123456000, time.UTC)

// row is the n-th row of the tests, recorded n seconds after noon.
func row(t testing.TB, n int) seal.Row {
	t.Helper()
	r, err := seal.ParseRow([]byte(rowText(n, "file")))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func rowText(n int, verb string) string {
	at := noon.Add(time.Duration(n) * time.Second).Format("2006-01-02T15:04:05.000000Z")
	return fmt.Sprintf(`{"verb": %q, "seq": %d, "id": "event-%d", "recorded_at": %q, "tenant_id": "north", "roles": ["clinician"],
		"entities": [{"type": "Media", "id": "m", "version": 1}], "patient_id": null, "query": "a\"b\\c\u0001\u2028<é"}`, verb, n, n, at)
}

// The format as the package describes it, computed without the package.
func TestFormat(t *testing.T) {
	r := row(t, 7)
	want := `{"entities":[{"id":"m","type":"Media","version":1}],"id":"event-7","patient_id":null,"query":"a\"b\\c\u0001` + "\u2028" + `<é",` +
		`"recorded_at":"2026-03-04T12:00:07.123456Z","roles":["clinician"],"seq":7,"tenant_id":"north","verb":"file"}`
	if got := string(r.Canonical()); got != want {
		t.Errorf("canonical row\n got %s\nwant %s", got, want)
	}
	if r.Seq != 7 || r.ID != "event-7" || !r.RecordedAt.Equal(noon.Add(7*time.Second)) {
		t.Errorf("%+v", r)
	}
	begin := sha256.Sum256([]byte("bonfire-audit-seal/1\nnorth"))
	first := sha256.Sum256(append(binary.BigEndian.AppendUint64(begin[:], 7), want...))
	s := seal.Begin("north").Next("north", []seal.Row{r}, noon)
	if s.Previous != begin || s.Head() != first || s.Number != 1 {
		t.Errorf("%+v", s)
	}
	if got := s.Key(); got != ".audit/north/2026/03/04/000000000001.json" {
		t.Errorf("key %s", got)
	}
	text, err := s.JSON()
	if err != nil {
		t.Fatal(err)
	}
	wantJSON := fmt.Sprintf(`{"format":"bonfire-audit-seal/1","tenant":"north","number":1,"sealedAt":"2026-03-04T12:00:00.123456Z",`+
		`"firstAt":"2026-03-04T12:00:07.123456Z","lastAt":"2026-03-04T12:00:07.123456Z","fromSeq":7,"toSeq":7,"count":1,`+
		`"previous":"%x","head":"%x","rows":[{"seq":7,"id":"event-7","hash":"%x"}]}`, begin, first, first)
	if string(text) != wantJSON {
		t.Errorf("anchor\n got %s\nwant %s", text, wantJSON)
	}
	back, err := seal.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := back.JSON(); !bytes.Equal(again, text) {
		t.Errorf("read and written again: %s", again)
	}
}

// Members in another order, spaces and escapes make no difference; anything else does.
func TestCanonicalRowIsOneOfItsKind(t *testing.T) {
	a, err := seal.ParseRow([]byte(`{"seq":1,"detail":{"b":"é","a":"/"},"id":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	for text, equal := range map[string]bool{
		"{ \"id\" : \"x\", \"detail\": {\"a\": \"\\/\", \"b\": \"\\u00e9\"},\n\"seq\": 1 }": true,
		`{"seq":1,"detail":{"b":"é","a":"/","c":null},"id":"x"}`:                            false,
		`{"seq":1,"detail":{"b":"é","a":"/"},"id":"x","more":1}`:                            false,
		`{"seq":1,"detail":{"b":"é","a":["/"]},"id":"x"}`:                                   false,
		`{"seq":1,"detail":{"b":"é","a":true},"id":"x"}`:                                    false,
		`{"seq":1,"detail":{"b":"é","a":1.0},"id":"x"}`:                                     false,
	} {
		b, err := seal.ParseRow([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(a.Canonical(), b.Canonical()) != equal {
			t.Errorf("%s: equal should be %v: %s", text, equal, b.Canonical())
		}
	}
	for _, text := range []string{``, `[]`, `{}`, `{"seq":"1"}`, `{"seq":1.5}`, `{"seq":1}{}`, `{"seq":1`} {
		if _, err := seal.ParseRow([]byte(text)); err == nil {
			t.Errorf("%s is read as a row", text)
		}
	}
}

// A seal that contradicts itself is none.
func TestParseRefuses(t *testing.T) {
	s := seal.Begin("north").Next("north", []seal.Row{row(t, 1), row(t, 2)}, noon)
	good, err := s.JSON()
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(map[string]any){
		"no number":     func(m map[string]any) { m["number"] = 0 },
		"another head":  func(m map[string]any) { m["head"] = m["previous"] },
		"another count": func(m map[string]any) { m["count"] = 3 },
		"another end":   func(m map[string]any) { m["toSeq"] = 3 },
		"no rows":       func(m map[string]any) { m["rows"] = []any{} },
		"a format":      func(m map[string]any) { m["format"] = "bonfire-audit-seal/2" },
		"no time":       func(m map[string]any) { m["sealedAt"] = "today" },
		"a short hash":  func(m map[string]any) { m["previous"] = "abcd" },
		"no order": func(m map[string]any) {
			rows := m["rows"].([]any)
			rows[0], rows[1] = rows[1], rows[0]
		},
	} {
		var m map[string]any
		if err := json.Unmarshal(good, &m); err != nil {
			t.Fatal(err)
		}
		change(m)
		bad, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := seal.Parse(bad); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// A clock that is set back does not make a seal older than the one before it:
// keys would no longer sort as seals do.
func TestSealedAtNeverGoesBack(t *testing.T) {
	first := seal.Begin("north").Next("north", []seal.Row{row(t, 1)}, noon)
	second := first.End().Next("north", []seal.Row{row(t, 2)}, noon.Add(-48*time.Hour))
	if !second.SealedAt.Equal(noon) || second.Key() <= first.Key() {
		t.Errorf("%s, %s", second.SealedAt, second.Key())
	}
}

func TestExportIsReadAsWritten(t *testing.T) {
	s := seal.Begin("north").Next("north", []seal.Row{row(t, 1)}, noon)
	from := noon
	var file bytes.Buffer
	w, err := seal.NewWriter(&file, seal.Header{Tenant: "north", From: &from, Base: "https://a/fhir"})
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range []seal.Item{{Seal: &s}, {Row: row(t, 1), Repeats: 4}} {
		if err := w.Write(i); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	read := func(text string) (items []seal.Item, err error) {
		r, err := seal.NewReader(strings.NewReader(text))
		if err != nil {
			return nil, err
		}
		if r.Header.Tenant != "north" || !r.Header.Holds(noon) || r.Header.Holds(noon.Add(-1)) {
			t.Errorf("header %+v", r.Header)
		}
		for {
			i, err := r.Next()
			if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
				return items, nil
			}
			if err != nil {
				return items, err
			}
			items = append(items, i)
		}
	}
	items, err := read(file.String())
	if err != nil || len(items) != 2 || items[0].Seal.Head() != s.Head() || items[1].Repeats != 4 ||
		!bytes.Equal(items[1].Row.Canonical(), row(t, 1).Canonical()) {
		t.Fatalf("%+v, %v", items, err)
	}
	lines := strings.SplitAfter(strings.TrimSpace(file.String()), "\n")
	for name, text := range map[string]string{
		"nothing":       "",
		"without end":   strings.Join(lines[:3], ""),
		"half a line":   strings.Join(lines[:3], "") + lines[3][:5],
		"without a row": lines[0] + lines[1] + lines[3],
		"no header":     strings.Join(lines[1:], ""),
	} {
		if _, err := read(text); err == nil {
			t.Errorf("%s: taken for whole", name)
		}
	}
}
