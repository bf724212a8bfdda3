package media

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// File is one made file.
type File struct {
	Path        string
	ContentType string
	Kind        string // of the default registry
}

var (
	once  sync.Once
	dir   string
	files map[string]File
	fault error
)

// Files makes, once per test binary, a form of several pages (form.pdf), two
// photographs (wound.jpg, skin.png) and recordings of some minutes (visit.wav,
// visit.webm, visit.m4a).
func Files(t testing.TB) map[string]File {
	t.Helper()
	once.Do(func() { files, fault = makeAll() })
	if fault != nil {
		t.Fatalf("test media: %v (run `make test`, which installs ffmpeg, espeak-ng and chromium)", fault)
	}
	return files
}

// Remove deletes what Files made; for TestMain.
func Remove() {
	if dir != "" {
		_ = os.RemoveAll(dir)
	}
}

func makeAll() (map[string]File, error) {
	var err error
	if dir, err = os.MkdirTemp("", "bonfire-media-"); err != nil {
		return nil, err
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, name := range []string{"form.html", "visit.txt"} {
		if err := os.WriteFile(at(name), []byte(texts[name]), 0o600); err != nil {
			return nil, err
		}
	}
	for _, c := range [][]string{
		{browser(), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
			"--disable-component-update", "--disable-sync", "--user-data-dir=" + at("profile"), "--no-pdf-header-footer",
			"--print-to-pdf=" + at("form.pdf"), "file://" + at("form.html")},
		{"ffmpeg", "-v", "error", "-f", "lavfi", "-i", "mandelbrot=size=1600x1200", "-frames:v", "1", at("wound.jpg")},
		{"ffmpeg", "-v", "error", "-f", "lavfi", "-i", "gradients=size=800x600:seed=7", "-frames:v", "1", at("skin.png")},
		{"espeak-ng", "-f", at("visit.txt"), "-w", at("visit.wav")},
		{"ffmpeg", "-v", "error", "-i", at("visit.wav"), "-c:a", "libopus", "-b:a", "32k", at("visit.webm")},
		{"ffmpeg", "-v", "error", "-i", at("visit.wav"), "-c:a", "aac", "-b:a", "64k", at("visit.m4a")},
	} {
		if out, err := exec.Command(c[0], c[1:]...).CombinedOutput(); err != nil { //nolint:gosec // fixed commands
			return nil, fmt.Errorf("%s: %w: %s", c[0], err, out)
		}
	}
	return map[string]File{
		"form.pdf":   {at("form.pdf"), "application/pdf", "intake-form"},
		"wound.jpg":  {at("wound.jpg"), "image/jpeg", "wound-photo"},
		"skin.png":   {at("skin.png"), "image/png", "skin-finding"},
		"visit.wav":  {at("visit.wav"), "audio/wav", "session-audio"},
		"visit.webm": {at("visit.webm"), "audio/webm", "session-audio"},
		"visit.m4a":  {at("visit.m4a"), "audio/mp4", "dictation-audio"},
	}, nil
}

func browser() string {
	if b := os.Getenv("CHROMIUM"); b != "" {
		return b
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			return p
		}
	}
	return "chromium"
}

var texts = map[string]string{
	"form.html": "<!doctype html><meta charset=utf-8><title>Intake form</title>" + strings.Repeat(
		`<section style="break-after:page"><h1>Intake form</h1><p>Known allergies, current medication, past operations.</p>
		<table border=1>`+strings.Repeat("<tr><td>Question</td><td>Answer</td></tr>", 20)+`</table></section>`, 5),
	"visit.txt": strings.Repeat("The patient reports less pain in the left knee since the last visit. "+
		"Swelling has gone down. We agreed to continue the exercises and to meet again in four weeks.\n", 14),
}
