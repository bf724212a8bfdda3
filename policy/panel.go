package policy

import (
	"slices"
	"sync"

	"github.com/cedar-policy/cedar-go/types"

	"github.com/bonfiredb/bonfire/clinical"
)

// maxPanels bounds the memory that remembered panels take.
const maxPanels = 256

// panels remembers the Cedar sets of panels lately seen. To hash a panel of
// fifty patients costs more than the rest of a decision, and a page of files
// asks for dozens of decisions about one actor.
//
// It remembers by content: a set is used again only for exactly the ids it was
// made of, so a membership that changed is seen at once.
type panels struct {
	mu   sync.Mutex
	seen map[clinical.ActorID]panel
}

type panel struct {
	ids []clinical.PatientID
	set types.Set
}

func newPanels() *panels { return &panels{seen: map[clinical.ActorID]panel{}} }

// of is the panel of the actor; false when it holds a malformed id.
func (p *panels) of(a clinical.Actor) (types.Set, bool) {
	p.mu.Lock()
	last, ok := p.seen[a.ID]
	p.mu.Unlock()
	if ok && slices.Equal(last.ids, a.Panel) {
		return last.set, true
	}
	if !wellFormed(a.Panel...) {
		return types.Set{}, false
	}
	made := panel{ids: slices.Clone(a.Panel), set: uidSet("Patient", a.Panel)}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.seen) >= maxPanels {
		clear(p.seen)
	}
	p.seen[a.ID] = made
	return made.set, true
}
