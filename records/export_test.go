package records

// AuditVocabulary are the verbs that the audit trail has words for.
func AuditVocabulary() (verbs []string) {
	for verb := range kindOfEvent {
		verbs = append(verbs, verb)
	}
	return verbs
}
