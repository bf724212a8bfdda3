package store

import (
	"context"
	"encoding/json"

	"github.com/uptrace/bun"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

// carryPage bounds the rows that are read, or restored, by one statement.
const carryPage = 200

// carrying demands the decision to carry charts of this tenant.
func (tx *Tx) carrying(d policy.Decision) error {
	if d.Action() != policy.CarryCharts {
		return internal(errUncovered)
	}
	return covered(d, policy.Tenant, string(tx.tenant))
}

// CarryOut reads all that travels of a patient's chart, whatever its state, as
// JSON objects, in an order that depends on nothing but the rows. Call it within
// InSnapshot: the rows of the tables fit together then. What emit returns ends it.
func (tx *Tx) CarryOut(ctx context.Context, d policy.Decision, patient clinical.PatientID, emit func(table string, row json.RawMessage) error) error {
	if err := tx.carrying(d); err != nil {
		return err
	}
	for _, t := range charts {
		if err := tx.carryTable(ctx, t, patient, emit); err != nil {
			return err
		}
	}
	return nil
}

func (tx *Tx) carryTable(ctx context.Context, t carried, patient clinical.PatientID, emit func(string, json.RawMessage) error) error {
	query := `SELECT key, row::text FROM (` + t.selection() + `) c WHERE key COLLATE "C" > $3 ORDER BY key COLLATE "C" LIMIT $4`
	for after, n := "", carryPage; n == carryPage; {
		rows, err := tx.query(ctx, query, string(tx.tenant), string(patient), after, carryPage)
		if err != nil {
			return err
		}
		for n = 0; rows.Next(); n++ {
			var row []byte
			if err = rows.Scan(&after, &row); err == nil {
				err = emit(t.table, row)
			}
			if err != nil {
				_ = rows.Close()
				return err
			}
		}
		if err := rows.Err(); err != nil {
			return fail(err)
		}
	}
	return nil
}

// CarriedPatient is the patient of a chart that is carried out.
func (tx *Tx) CarriedPatient(ctx context.Context, d policy.Decision, id clinical.PatientID) (clinical.Patient, error) {
	if err := tx.carrying(d); err != nil {
		return clinical.Patient{}, err
	}
	p, err := tx.patientRow(ctx, id)
	return p.patient(), err
}

// CarriedFiles reads files of a chart by their ids' order, those after the one given.
func (tx *Tx) CarriedFiles(ctx context.Context, d policy.Decision, patient clinical.PatientID, after clinical.FileID) ([]clinical.File, error) {
	var rows []fileRow
	err := tx.carriedPage(ctx, d, tx.bun.NewSelect().Model(&rows), "f", patient, string(after))
	return mapAll(rows, fileRow.file), err
}

// CarriedNotes is CarriedFiles for notes.
func (tx *Tx) CarriedNotes(ctx context.Context, d policy.Decision, patient clinical.PatientID, after clinical.NoteID) ([]clinical.Note, error) {
	var rows []noteRow
	err := tx.carriedPage(ctx, d, tx.bun.NewSelect().Model(&rows), "n", patient, string(after))
	return mapAll(rows, noteRow.note), err
}

// CarriedEncounters is CarriedFiles for visits.
func (tx *Tx) CarriedEncounters(ctx context.Context, d policy.Decision, patient clinical.PatientID, after clinical.EncounterID) ([]clinical.Encounter, error) {
	var rows []encounterRow
	err := tx.carriedPage(ctx, d, tx.bun.NewSelect().Model(&rows), "e", patient, string(after))
	return mapAll(rows, encounterRow.encounter), err
}

// CarriedProvenance is CarriedFiles for evidence, without that of imports.
func (tx *Tx) CarriedProvenance(ctx context.Context, d policy.Decision, patient clinical.PatientID, after clinical.ProvenanceID) ([]clinical.Provenance, error) {
	var rows []provenanceRow
	err := tx.carriedPage(ctx, d, tx.bun.NewSelect().Model(&rows).Where("v.activity <> ?", clinical.ActivityImport), "v", patient, string(after))
	return mapAll(rows, provenanceRow.provenance), err
}

func (tx *Tx) carriedPage(ctx context.Context, d policy.Decision, q *bun.SelectQuery, alias string, patient clinical.PatientID, after string) error {
	if err := tx.carrying(d); err != nil {
		return err
	}
	q.Where("?.tenant_id = ? AND ?.patient_id = ?", bun.Ident(alias), tx.tenant, bun.Ident(alias), patient)
	if after != "" {
		q.Where("?.id > ?", bun.Ident(alias), after)
	}
	return fail(q.OrderExpr("?.id", bun.Ident(alias)).Limit(carryPage).Scan(ctx))
}

// CarriedPrincipals are those that a chart names.
func (tx *Tx) CarriedPrincipals(ctx context.Context, d policy.Decision, patient clinical.PatientID) (map[clinical.ActorID]clinical.Actor, error) {
	if err := tx.carrying(d); err != nil {
		return nil, err
	}
	ids, err := tx.texts(ctx, `SELECT DISTINCT id::text FROM (`+namedInChart+`) n(id) WHERE id IS NOT NULL`, string(tx.tenant), string(patient))
	if err != nil {
		return nil, err
	}
	return tx.ActorDisplays(ctx, idsOf[clinical.ActorID](ids))
}

// CarriedPatients lists the charts there are, those after the one given.
func (tx *Tx) CarriedPatients(ctx context.Context, d policy.Decision, after clinical.PatientID) ([]clinical.PatientID, error) {
	if err := tx.carrying(d); err != nil {
		return nil, err
	}
	ids, err := tx.texts(ctx, `SELECT id::text FROM patient WHERE tenant_id = $1 AND id::text COLLATE "C" > $2 ORDER BY id::text COLLATE "C" LIMIT $3`,
		string(tx.tenant), string(after), carryPage)
	return idsOf[clinical.PatientID](ids), err
}

func idsOf[ID ~string](texts []string) []ID { return mapAll(texts, func(s string) ID { return ID(s) }) }
