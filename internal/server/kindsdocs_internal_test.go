package server

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
)

// The example of the guide is one that works.
func TestDocumentedKindsFile(t *testing.T) {
	guide, err := os.ReadFile(filepath.Join("..", "..", "docs", "kinds.md"))
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindSubmatch(guide)
	if block == nil {
		t.Fatal("the guide has no example")
	}
	kinds, err := kindsOf(kindsFile(t, string(block[1])))
	if err != nil {
		t.Fatal(err)
	}
	byCode := map[string]clinical.FileKind{}
	for _, k := range kinds {
		byCode[k.Code] = k
	}
	if k := byCode["gait-video"]; k.Retention != 3650*24*time.Hour || k.Scan != clinical.ScanRequired || k.Resource != clinical.Media {
		t.Errorf("got %+v", k)
	}
	if k := byCode["consent"]; !k.RequiresEncounter || k.Resource != "" || k.ResourceFor(k.Category) != clinical.DocumentReference {
		t.Errorf("got %+v", k)
	}
	if _, err := kindsOf(kindsFile(t, `kinds: [{code: a}, {code: b, display: B, category: c, contentTypes: ["*/*"], maxSize: 1MiB}, {code: b, display: B, category: c, contentTypes: ["*/*"], maxSize: 1MiB}]`)); err == nil {
		t.Error("an entry without anything and one named twice are taken")
	} else {
		t.Log(err)
	}
}
