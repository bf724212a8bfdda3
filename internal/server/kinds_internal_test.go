package server

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
)

func kindsFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kinds.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestKindsFileAddsAndReplaces(t *testing.T) {
	kinds, err := kindsOf(kindsFile(t, `
kinds:
  - code: gait-video
    display: Gait video
    resource: Media
    category: media
    contentTypes: [video/mp4, audio/x-wav]
    maxSize: 2GiB
    scan: required
    uploadTtl: 48h
    type: {system: "http://terminology.hl7.org/CodeSystem/media-type", code: video}
  - code: consent
    display: Consent, scanned
    resource: DocumentReference
    category: administrative
    contentTypes: [application/pdf]
    maxSize: 10MiB
`))
	if err != nil {
		t.Fatal(err)
	}
	byCode := map[string]clinical.FileKind{}
	for _, k := range kinds {
		byCode[k.Code] = k
	}
	if len(kinds) != len(clinical.DefaultKinds())+1 {
		t.Errorf("%d kinds", len(kinds))
	}
	gait := byCode["gait-video"]
	if gait.MaxSize != 2<<30 || gait.Scan != clinical.ScanRequired || gait.Mismatch != clinical.RefuseMismatch || gait.UploadTTL != 48*time.Hour ||
		gait.Type == nil || gait.Type.Code != "video" || !gait.Takes("video/mp4") || !gait.Takes("audio/wav") {
		t.Errorf("got %+v", gait)
	}
	if consent := byCode["consent"]; consent.MaxSize != 10<<20 || consent.Takes("image/png") || consent.Type != nil {
		t.Errorf("the shipped one was not replaced as a whole: %+v", consent)
	}
}

func TestKindsFileIsChecked(t *testing.T) {
	const good = `{code: x-ray, display: X, resource: Media, category: media, contentTypes: [image/png], maxSize: 1MiB}`
	if _, err := kindsOf(kindsFile(t, "kinds: ["+good+"]")); err != nil {
		t.Fatal(err)
	}
	for change, words := range map[string]string{
		"code: x-ray|code: X Ray":               "code:",
		"display: X|display: ''":                "display:",
		"resource: Media|resource: Observation": "resource:",
		"category: media|category: Media!":      "category:",
		"[image/png]|[]":                        "contentTypes:",
		"[image/png]|['image/*']":               "contentTypes:",
		"maxSize: 1MiB|maxSize: 1MB":            "maxSize:",
		"maxSize: 1MiB|maxSize: 0":              "maxSize:",
		"maxSize: 1MiB|maxSize: 1MiB, scan: x":  "scan:",
		"maxSize: 1MiB|maxSize: 1MiB, size: 1":  "size", // unknown field
		"{code|{retention: forever, code":       "retention:",
		"{code|{uploadTtl: -1h, code":           "uploadTtl:",
	} {
		from, to, _ := strings.Cut(change, "|")
		text := strings.Replace(good, from, to, 1)
		if text == good {
			t.Fatalf("%q changes nothing", change)
		}
		if _, err := kindsOf(kindsFile(t, "kinds: ["+text+"]")); err == nil || !strings.Contains(err.Error(), words) || !strings.Contains(err.Error(), "BONFIRE_KINDS_FILE") {
			t.Errorf("%s: got %v", change, err)
		}
	}
}
