package signing_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/fhir"
	"github.com/bonfiredb/bonfire/signing"
)

func generate(t *testing.T) []byte {
	t.Helper()
	key, err := signing.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func parse(t *testing.T, text []byte) *signing.Keys {
	t.Helper()
	keys, err := signing.ParseKeys(text)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

const bytesOfAudio = "the recording"

func hexDigest(s string) string { sum := sha256.Sum256([]byte(s)); return hex.EncodeToString(sum[:]) }

// signedNote is a signed note of one recording.
func signedNote() clinical.Note {
	at := time.Date(2026, 11, 22, 9, 30, 0, 123456000, time.UTC)
	text := "S: <b>better</b> & well\n"
	sum := sha256.Sum256([]byte(text))
	return clinical.Note{
		ID: "0197f3a2-aaaa-7000-8000-000000000009", Tenant: "acme", Patient: "0197f3a2-1111-7000-8000-000000000001",
		Status: clinical.NoteSigned, Version: 3, Title: "Follow-up", Text: text, TextSHA256: sum[:],
		Author: "0197f3a2-5555-7000-8000-000000000001", AuthorKind: clinical.Agent,
		Signer: "0197f3a2-3333-7000-8000-000000000001", SignedAt: &at, CreatedAt: at, UpdatedAt: at,
		Sources: []clinical.NoteSource{{
			File: "0197f3a2-aaaa-7000-8000-000000000007", Type: clinical.Media, Version: 1, SHA256: hexDigest(bytesOfAudio),
			Span: &clinical.Span{Start: 12500 * time.Millisecond, End: 19 * time.Second},
		}},
	}
}

func TestContentIsCanonical(t *testing.T) {
	want := `{"author":"0197f3a2-5555-7000-8000-000000000001","authorKind":"agent","id":"0197f3a2-aaaa-7000-8000-000000000009",` +
		`"patient":"0197f3a2-1111-7000-8000-000000000001","signedAt":"2026-11-22T09:30:00.123456Z","signer":"0197f3a2-3333-7000-8000-000000000001",` +
		`"sources":[{"fragment":"t=12.5,19.0","id":"0197f3a2-aaaa-7000-8000-000000000007","sha256":"` + hexDigest(bytesOfAudio) + `","type":"Media","version":1}],` +
		`"tenant":"acme","textSha256":"` + hexDigest("S: <b>better</b> & well\n") + `","titleSha256":"` + hexDigest("Follow-up") + `","version":3}`
	if got := string(signing.ContentOf(signedNote()).Canonical()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	// Members stand in the order of RFC 8785: sorted, at every level.
	var generic any
	if err := json.Unmarshal([]byte(want), &generic); err != nil {
		t.Fatal(err)
	}
	if sorted, _ := json.Marshal(generic); string(sorted) != want {
		t.Errorf("sorted it would be %s", sorted)
	}
}

func TestKeysOfEveryForm(t *testing.T) {
	_, edward, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(edward)
	if err != nil {
		t.Fatal(err)
	}
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: edward}}})
	if err != nil {
		t.Fatal(err)
	}
	content := signing.ContentOf(signedNote())
	for name, text := range map[string][]byte{
		"P-256 PEM": generate(t), "Ed25519 PEM": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), "JWKS": set,
	} {
		keys := parse(t, text)
		jws, err := keys.Sign(content.Canonical())
		if err != nil {
			t.Fatal(err)
		}
		trusted, err := signing.ParseTrusted(keys.Public())
		if err != nil {
			t.Fatal(err)
		}
		got, err := trusted.Verify(jws)
		if err != nil || !bytes.Equal(got.Canonical(), content.Canonical()) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if bytes.Contains(keys.Public(), []byte(`"d"`)) {
			t.Errorf("%s: the published keys have a private part: %s", name, keys.Public())
		}
	}
	for name, text := range map[string]string{
		"nothing": "", "no keys": `{"keys":[]}`, "words": "secret words", "a broken block": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
		"public only": string(parse(t, generate(t)).Public()),
	} {
		if _, err := signing.ParseKeys([]byte(text)); err == nil || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "AAAA") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRotationKeepsOldSignaturesValid(t *testing.T) {
	old, fresh := generate(t), generate(t)
	before, after := parse(t, old), parse(t, append(append([]byte{}, fresh...), old...))
	if after.ID() != parse(t, fresh).ID() {
		t.Error("the first key does not sign")
	}
	content := signing.ContentOf(signedNote()).Canonical()
	jws, err := before.Sign(content)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := after.Trusted().Verify(jws); err != nil {
		t.Errorf("signed before the rotation: %v", err)
	}
	newer, err := after.Sign(content)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := before.Trusted().Verify(newer); err == nil {
		t.Error("a key that is not trusted verifies")
	}
}

func TestVerifyRefusesForgeries(t *testing.T) {
	keys := parse(t, generate(t))
	content := signing.ContentOf(signedNote())
	jws, err := keys.Sign(content.Canonical())
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(jws, ".")
	content.Signer = "0197f3a2-3333-7000-8000-00000000beef"
	header := func(h string) string { return base64.RawURLEncoding.EncodeToString([]byte(h)) }
	loose, err := keys.Sign([]byte(` {"author":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	hmac, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: jose.JSONWebKey{Key: keys.Public(), KeyID: keys.ID()}}, (&jose.SignerOptions{}).WithType("bonfire-note+jws"))
	if err != nil {
		t.Fatal(err)
	}
	confused, err := hmac.Sign(content.Canonical())
	if err != nil {
		t.Fatal(err)
	}
	asHMAC, _ := confused.CompactSerialize()
	for name, forged := range map[string]string{
		"another payload":          parts[0] + "." + base64.RawURLEncoding.EncodeToString(content.Canonical()) + "." + parts[2],
		"no algorithm":             header(`{"alg":"none","typ":"bonfire-note+jws","kid":"`+keys.ID()+`"}`) + "." + parts[1] + ".",
		"HMAC with the public key": asHMAC,
		"not canonical":            loose,
		"nonsense":                 "e30.e30.c2ln",
		"empty":                    "",
	} {
		if got, err := keys.Trusted().Verify(forged); err == nil {
			t.Errorf("%s: accepted as %+v", name, got)
		}
	}
}

// export is what the program exports of the note, with its recording.
func export(t *testing.T, keys *signing.Keys, n clinical.Note, change ...func(*clinical.Note)) []byte {
	t.Helper()
	jws, err := keys.Sign(signing.ContentOf(n).Canonical())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range change { // after it was signed
		c(&n)
	}
	r := fhir.Renderer{Base: "https://files.clinic.example/fhir/R4", Systems: "https://bonfire.example/fhir"}
	sum := sha256.Sum256([]byte(bytesOfAudio))
	audio := clinical.File{
		ID: n.Sources[0].File, Tenant: n.Tenant, Patient: n.Patient, ResourceType: clinical.Media, Kind: "session-audio",
		ContentType: "audio/webm", Size: 3, Digests: clinical.Digests{SHA256: sum[:]}, Version: 2, CreatedAt: n.CreatedAt, UpdatedAt: n.UpdatedAt,
	}
	p := clinical.Provenance{
		ID: "0197f3a2-bbbb-7000-8000-000000000001", Tenant: n.Tenant, Patient: n.Patient, RecordedAt: n.CreatedAt, Activity: clinical.ActivitySign,
		Targets: []clinical.Ref{{Type: "DocumentReference", ID: string(n.ID), Version: 3}}, Signature: jws,
	}
	var all []json.RawMessage
	for _, res := range []fhir.Resource{r.Note(n, n.SourceRefs()), r.Provenance(p), r.Media(audio, clinical.FileKind{}, fhir.ActorRef{})} {
		b, err := fhir.Marshal(res)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b)
	}
	b, err := json.Marshal(map[string]any{"data": map[string]any{"bundle": map[string]any{"entry": []any{
		map[string]any{"resource": all[0]}, map[string]any{"resource": all[1]}, map[string]any{"resource": all[2]},
	}}}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestCheckSaysWhatFails(t *testing.T) {
	keys := parse(t, generate(t))
	n := signedNote()
	good := export(t, keys, n)
	all := fstest.MapFS{"deep/any-name.webm": {Data: []byte(bytesOfAudio)}, "other": {Data: []byte("x")}}
	altered := strings.ReplaceAll(string(good), base64.StdEncoding.EncodeToString([]byte(n.Text)), base64.StdEncoding.EncodeToString([]byte("S: other")))
	for name, tc := range map[string]struct {
		export  []byte
		trusted signing.Trusted
		dir     fs.FS
		want    string
	}{
		"all is well":             {good, keys.Trusted(), all, "ok signature, ok text, ok title, ok record, ok source"},
		"without bytes":           {good, keys.Trusted(), nil, "ok signature, ok text, ok title, ok record, ok source"},
		"other text":              {[]byte(altered), keys.Trusted(), all, "ok signature, FAIL text, ok title, ok record, ok source"},
		"other title":             {export(t, keys, n, func(n *clinical.Note) { n.Title = "Other" }), keys.Trusted(), all, "ok signature, ok text, FAIL title, ok record, ok source"},
		"other signer":            {export(t, keys, n, func(n *clinical.Note) { n.Signer = n.Author }), keys.Trusted(), all, "ok signature, ok text, ok title, FAIL record, ok source"},
		"other patient":           {export(t, keys, n, func(n *clinical.Note) { n.Patient = "0197f3a2-1111-7000-8000-000000000002" }), keys.Trusted(), all, "ok signature, ok text, ok title, FAIL record, ok source"},
		"other bytes":             {good, keys.Trusted(), fstest.MapFS{"audio.webm": {Data: []byte("the recording, cut")}}, "ok signature, ok text, ok title, ok record, FAIL source"},
		"other digest in export":  {bytes.ReplaceAll(good, []byte(hexDigest(bytesOfAudio)), []byte(hexDigest("y"))), keys.Trusted(), nil, "ok signature, ok text, ok title, ok record, FAIL source"},
		"a key nobody trusts":     {good, parse(t, generate(t)).Trusted(), all, "FAIL signature"},
		"a later version":         {export(t, keys, n, func(n *clinical.Note) { n.Status, n.Version = clinical.NoteAmended, 4 }), keys.Trusted(), all, "ok signature, ok text, ok title, ok record, ok source"},
		"without the signature":   {bytes.ReplaceAll(good, []byte("Provenance"), []byte("Basic")), keys.Trusted(), all, "FAIL signature"},
		"signature of another id": {bytes.ReplaceAll(good, []byte(n.ID), []byte("0197f3a2-aaaa-7000-8000-00000000beef")), keys.Trusted(), all, "FAIL signature"},
	} {
		findings, err := signing.Check(bytes.NewReader(tc.export), tc.trusted, tc.dir)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got []string
		for _, f := range findings {
			what, _, _ := strings.Cut(f.What, " ")
			got = append(got, fmt.Sprintf("%s %s", map[bool]string{true: "ok", false: "FAIL"}[f.OK], what))
		}
		if s := strings.Join(got, ", "); s != tc.want {
			t.Errorf("%s: %s, want %s (%+v)", name, s, tc.want, findings)
		}
	}
	if _, err := signing.Check(strings.NewReader(`{"resourceType":"Bundle"}`), keys.Trusted(), nil); err == nil {
		t.Error("an export without notes passes")
	}
	if _, err := signing.Check(strings.NewReader(`{`), keys.Trusted(), nil); err == nil {
		t.Error("half an export passes")
	}
}
