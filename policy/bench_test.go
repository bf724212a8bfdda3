package policy

import (
	"context"
	"fmt"
	"testing"

	"github.com/bonfiredb/bonfire/clinical"
)

// onPanel is a clinician with n patients on the panel, and a file of the last.
func onPanel(n int) (clinical.Actor, Resource) {
	actor := clinician()
	actor.Panel = ids[clinical.PatientID](5, n)
	actor.CareGroups, actor.Departments = []string{"ward-7", "ward-9"}, []string{"derm"}
	r := fileOf(actor.Panel[n-1])
	r.CareGroups, r.Labels, r.Department = []string{"ward-7"}, []string{"teaching"}, "derm"
	return actor, r
}

// The design asks for less than 50 microseconds with 50 patients on the panel.
func BenchmarkAuthorize(b *testing.B) {
	e := shippedEngine(b)
	for _, n := range []int{1, 50, 500} {
		actor, r := onPanel(n)
		for _, a := range []Action{ReadFile, DownloadFile} {
			b.Run(fmt.Sprintf("%s/panel=%d", a, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					d, err := e.Authorize(context.Background(), Request{Actor: actor, Action: a, Resource: r, Now: noon})
					if err != nil || !d.Allowed() {
						b.Fatal(d.Rule(), err)
					}
				}
			})
		}
	}
}

func BenchmarkFilter(b *testing.B) {
	e := shippedEngine(b)
	for _, n := range []int{1, 50, 500} {
		actor, _ := onPanel(n)
		b.Run(fmt.Sprintf("panel=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := e.Filter(context.Background(), actor, ListFiles, File, noon); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEval(b *testing.B) {
	actor, r := onPanel(50)
	f, err := shippedEngine(b).Filter(context.Background(), actor, ListFiles, File, noon)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if in, err := Eval(f.Predicate(), r); !in || err != nil {
			b.Fatal(in, err)
		}
	}
}
