package media_test

import (
	"os"
	"testing"

	"github.com/gabriel-vasile/mimetype"

	"github.com/bonfiredb/bonfire/internal/media"
)

func TestMain(m *testing.M) {
	code := m.Run()
	media.Remove()
	os.Exit(code)
}

func TestFilesAreWhatTheySay(t *testing.T) {
	audio := map[string]string{"audio/webm": "video/webm", "audio/mp4": "audio/x-m4a"} // as detection names the containers
	for name, f := range media.Files(t) {
		seen, err := mimetype.DetectFile(f.Path)
		if err != nil {
			t.Fatal(err)
		}
		if !seen.Is(f.ContentType) && !seen.Is(audio[f.ContentType]) {
			t.Errorf("%s: looks like %s, not %s", name, seen, f.ContentType)
		}
		if info, err := os.Stat(f.Path); err != nil || info.Size() < 10_000 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}
