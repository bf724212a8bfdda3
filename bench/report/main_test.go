package main

import (
	"strings"
	"testing"
)

func TestReport(t *testing.T) {
	const printed = "goos: linux\n" +
		"BenchmarkUploadOnePatch/far/sdk-2     \t1000000000\t         4.650 s\t         1.003 x-tusd\n" +
		"BenchmarkUploadOnePatch/far/bonfire-2 \t1000000000\t         4.927 s\t         0.9432 x-sdk\n" +
		"BenchmarkGate-2 \t 120\t 9000 ns/op\nPASS\n"
	var out strings.Builder
	if err := report(strings.NewReader(printed), &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		printed,
		"**UploadOnePatch/far**\n\n| | s | x-sdk | x-tusd |\n|---|---:|---:|---:|\n| sdk | 4.650 |  | 1.003 |\n| bonfire | 4.927 | 0.9432 |  |\n",
		"**Gate**\n\n| | ns/op |\n|---|---:|\n| Gate | 9000 |\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in %q", want, out.String())
		}
	}
	if err := report(strings.NewReader("--- FAIL: BenchmarkX\nFAIL\n"), &out); err == nil {
		t.Error("a failed benchmark is none")
	}
}
