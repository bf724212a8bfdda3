package records_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/records"
)

func TestP6_NeitherAgentNorDeviceSigns(t *testing.T) {
	c := open(t)
	own := c.draft("scribe")
	_, err := c.sign("scribe", own)
	c.wantKind(err, clinical.Forbidden)
	// Acting for a clinician, with every role there is, does not help.
	scribe, doctor := c.As("scribe"), c.As("clinician")
	scribe.OnBehalfOf, scribe.Roles = &doctor, []clinical.Role{clinical.Clinician, clinical.Admin, clinical.Pipeline}
	_, err = c.Records.SignNote(t.Context(), scribe, records.SignNote{Note: own.ID, Version: 1})
	c.wantKind(err, clinical.Forbidden)
	device := c.As("recorder")
	device.Roles, device.OnBehalfOf = []clinical.Role{clinical.Clinician}, &doctor
	_, err = c.Records.SignNote(t.Context(), device, records.SignNote{Note: own.ID, Version: 1})
	if err == nil {
		t.Fatal("a device signed")
	}
	signed := c.mustSign("clinician", own)
	_, err = c.amend("scribe", signed, "")
	c.wantKind(err, clinical.Forbidden)
	var denied int
	for _, e := range c.events("signNote") {
		if e.Outcome == clinical.MinorFailure && e.Rule == "only-people-sign" {
			denied++
		}
	}
	if denied < 2 {
		t.Errorf("%d refusals stand in the trail under the wall's name", denied)
	}
}

func TestP6_AnAgentEditsAndRetractsItsOwnDraftsOnly(t *testing.T) {
	c := open(t)
	own, others := c.draft("scribe"), c.draft("clinician")
	own, err := c.edit("scribe", own, "S: reworded")
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.edit("scribe", others, "mine now")
	c.wantKind(err, clinical.Forbidden)
	_, err = c.retract("scribe", others)
	c.wantKind(err, clinical.Forbidden)
	if _, err = c.retract("scribe", own); err != nil {
		t.Fatal(err)
	}
	signed := c.mustSign("clinician", c.draft("scribe"))
	_, err = c.edit("scribe", signed, "after the fact")
	c.wantKind(err, clinical.Forbidden)
	_, err = c.retract("scribe", signed)
	c.wantKind(err, clinical.Forbidden)
}

func TestSignTwiceStaleOrUnread(t *testing.T) {
	c := open(t)
	n := c.draft("scribe")
	read := n
	n, err := c.edit("clinician", n, "S: other words")
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.sign("clinician", read)
	if p := wantProblem[*records.VersionConflict](t, err); p.Current != 2 {
		t.Errorf("the current version is 2, not %d", p.Current)
	}
	_, err = c.Records.SignNote(t.Context(), c.As("clinician"), records.SignNote{Note: n.ID, Version: n.Version, AttestedSHA256: read.TextSHA256})
	if p := wantProblem[*records.TextChanged](t, err); !slices.Equal(p.Current, n.TextSHA256) {
		t.Errorf("digest %x", p.Current)
	}
	signed := c.mustSign("clinician", n)
	_, err = c.sign("clinician", signed)
	if p := wantProblem[*records.NotSignable](t, err); p.Status != clinical.NoteSigned {
		t.Errorf("status %s", p.Status)
	}
	_, err = c.edit("clinician", signed, "late change")
	wantProblem[*records.NotSignable](t, err)
	blank := c.draft("clinician", func(in *records.CreateNote) { in.Draft = " \n" })
	_, err = c.sign("clinician", blank)
	wantProblem[*records.NotSignable](t, err)
	var rules []string
	for _, e := range c.events("signNote") {
		if e.Outcome == clinical.MinorFailure {
			rules = append(rules, e.Rule)
		}
	}
	if want := []string{"version-conflict", "text-changed", "state", "state"}; !slices.Equal(rules, want) {
		t.Errorf("failed attempts in the trail: %v, want %v", rules, want)
	}
}

func TestTwoCliniciansSignAtOnce(t *testing.T) {
	c := open(t)
	c.colleagueJoins()
	for range 5 {
		n := c.draft("scribe")
		var wg sync.WaitGroup
		errs := make([]error, 2)
		for i, who := range []string{"clinician", "colleague"} {
			actor := c.As(who)
			wg.Go(func() {
				_, errs[i] = c.Records.SignNote(t.Context(), actor, records.SignNote{Note: n.ID, Version: n.Version})
			})
		}
		wg.Wait()
		won := slices.IndexFunc(errs, func(err error) bool { return err == nil })
		if won < 0 || errs[1-won] == nil {
			t.Fatalf("outcomes: %v", errs)
		}
		wantProblem[*records.NotSignable](t, errs[1-won])
		var successes, failures int
		for _, e := range c.events("signNote") {
			if e.Entities[0].ID != string(n.ID) {
				continue
			}
			if e.Outcome == clinical.Success {
				successes++
			} else {
				failures++
			}
		}
		if successes != 1 || failures != 1 {
			t.Errorf("in the trail: %d signed, %d failed", successes, failures)
		}
		signs := 0
		for _, p := range c.noteProvenance(n) {
			if p.Activity == clinical.ActivitySign {
				signs++
			}
		}
		if signs != 1 {
			t.Errorf("%d signatures", signs)
		}
	}
}

func TestAmendmentReplacesOnlyWhenSigned(t *testing.T) {
	c := open(t)
	old := c.mustSign("clinician", c.draft("scribe"))
	draft, err := c.amend("clinician", old, "amend-key-1")
	if err != nil {
		t.Fatal(err)
	}
	again, err := c.amend("clinician", old, "amend-key-1")
	if err != nil || again.ID != draft.ID {
		t.Fatalf("the same call made %s, then %s (%v)", draft.ID, again.ID, err)
	}
	if draft.Amends != old.ID || draft.Status != clinical.NoteDraft || draft.Encounter != old.Encounter || draft.Title != old.Title {
		t.Errorf("the draft: %+v", draft)
	}
	if now, _ := c.Records.Note(t.Context(), c.As("clinician"), old.ID); now.Status != clinical.NoteSigned || now.AmendedBy != "" {
		t.Errorf("a mere draft replaced the signed note: %+v", now)
	}
	amended := c.mustSign("clinician", draft)
	now, err := c.Records.Note(t.Context(), c.As("clinician"), old.ID)
	if err != nil || now.Status != clinical.NoteAmended || now.AmendedBy != amended.ID || now.Text != old.Text || now.Version != old.Version+1 {
		t.Errorf("the old note: %+v (%v)", now, err)
	}
	var how []clinical.Activity
	for _, p := range c.noteProvenance(draft) {
		how = append(how, p.Activity)
		if p.Activity == clinical.ActivityAmend && (p.Reason != "misheard" || p.Sources[0].ID != string(old.ID) || p.Sources[0].Version != old.Version) {
			t.Errorf("the amendment's evidence: %+v", p)
		}
	}
	slices.Sort(how) // two of them are of one instant
	if want := []clinical.Activity{clinical.ActivityAmend, clinical.ActivitySign, clinical.ActivitySupersede}; !slices.Equal(how, want) {
		t.Errorf("evidence %v, want %v", how, want)
	}
	_, err = c.amend("clinician", now, "")
	wantProblem[*records.NotSignable](t, err)
	if _, err = c.amend("clinician", amended, ""); err != nil {
		t.Errorf("an amendment is amended in its turn: %v", err)
	}
}

func TestOfTwoAmendmentsOneReplaces(t *testing.T) {
	c := open(t)
	c.colleagueJoins()
	old := c.mustSign("clinician", c.draft("scribe"))
	drafts := make([]clinical.Note, 2)
	errs := make([]error, 2)
	actors := []clinical.Actor{c.As("clinician"), c.As("colleague")}
	for i, who := range []string{"clinician", "colleague"} {
		if drafts[i], errs[i] = c.amend(who, old, ""); errs[i] != nil {
			t.Fatal(errs[i])
		}
	}
	var wg sync.WaitGroup
	for i := range drafts {
		wg.Go(func() {
			_, errs[i] = c.Records.SignNote(t.Context(), actors[i], records.SignNote{Note: drafts[i].ID, Version: 1})
		})
	}
	wg.Wait()
	won := slices.IndexFunc(errs, func(err error) bool { return err == nil })
	if won < 0 {
		t.Fatalf("outcomes: %v", errs)
	}
	wantProblem[*records.NotSignable](t, errs[1-won])
	loser, err := c.Records.Note(t.Context(), c.As("clinician"), drafts[1-won].ID)
	if err != nil || loser.Status != clinical.NoteDraft || loser.Signer != "" {
		t.Errorf("the loser: %+v (%v)", loser, err)
	}
}

func TestSignerSeesWhatLeftTheChart(t *testing.T) {
	c := open(t)
	audio := c.upload("recorder", recording(), webm)
	n := c.draft("scribe", func(in *records.CreateNote) { in.DerivedFrom = []string{string(audio.ID)} })
	if _, err := c.admin().Exec(`UPDATE file SET status = 'entered-in-error' WHERE id = $1`, string(audio.ID)); err != nil {
		t.Fatal(err)
	}
	_, err := c.sign("clinician", n)
	wantProblem[*records.NotSignable](t, err)
	n, err = c.Records.UpdateNoteDraft(t.Context(), c.As("clinician"), records.UpdateNoteDraft{Note: n.ID, Version: n.Version, Draft: n.Text, DerivedFrom: []string{}})
	if err != nil {
		t.Fatal(err)
	}
	c.mustSign("clinician", n)
}

func TestRetractedAmendmentReinstatesWhatItAmended(t *testing.T) {
	c := open(t)
	old := c.mustSign("clinician", c.draft("scribe"))
	draft, err := c.amend("clinician", old, "")
	if err != nil {
		t.Fatal(err)
	}
	amended := c.mustSign("clinician", draft)
	_, err = c.retract("clinician", draft) // its first version
	wantProblem[*records.VersionConflict](t, err)
	gone, err := c.retract("clinician", amended)
	if err != nil || gone.Status != clinical.NoteEnteredInError || gone.Signer != amended.Signer || gone.Text != amended.Text {
		t.Fatalf("%+v (%v)", gone, err)
	}
	back, err := c.Records.Note(t.Context(), c.As("clinician"), old.ID)
	if err != nil || back.Status != clinical.NoteSigned || back.AmendedBy != "" || back.Version != old.Version+2 || back.Text != old.Text {
		t.Errorf("the old one: %+v (%v)", back, err)
	}
	_, err = c.retract("clinician", gone)
	wantProblem[*records.NotSignable](t, err)
	if _, err := c.amend("clinician", back, ""); err != nil {
		t.Errorf("amended anew: %v", err)
	}
}

// An agent that acts for somebody says so in everything it leaves.
func TestProvenanceSaysOnWhoseBehalf(t *testing.T) {
	c := open(t)
	scribe, doctor := c.As("scribe"), c.As("clinician")
	scribe.OnBehalfOf = &doctor
	n, err := c.Records.CreateNote(t.Context(), scribe, records.CreateNote{Patient: demo.Patient, Draft: "S: better"})
	if err != nil {
		t.Fatal(err)
	}
	want := clinical.ProvenanceAgent{Type: "assembler", Actor: scribe.ID, ActorKind: clinical.Agent, OnBehalfOf: doctor.ID}
	if got := c.noteProvenance(n)[0].Agents; len(got) != 1 || got[0] != want {
		t.Errorf("agents %+v, want %+v", got, want)
	}
	if e := c.events("createNote")[0]; e.OnBehalfOf != doctor.ID {
		t.Errorf("the event: %+v", e)
	}
	for _, by := range []clinical.ActorID{c.As("recorder").ID, nobody} {
		_, err = c.Records.CreateNote(t.Context(), scribe, records.CreateNote{Patient: demo.Patient, Draft: "x", DraftedBy: by})
		c.wantKind(err, clinical.Invalid)
	}
	for _, by := range []clinical.ActorID{c.As("colleague").ID, nobody, "x"} {
		_, err = c.tryDraft("clinician", func(in *records.CreateNote) { in.DraftedBy = by })
		if f := clinical.AsFailure(err); f == nil || f.Kind != clinical.Invalid || f.Field != "draftedByDevice" {
			t.Errorf("drafted by %q: %v", by, err)
		}
	}
}
