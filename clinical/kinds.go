package clinical

const (
	mib = int64(1) << 20
	gib = int64(1) << 30
)

const (
	loinc        = "http://loinc.org"
	usCoreDocCat = "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category"
	v2Diagnostic = "http://terminology.hl7.org/CodeSystem/v2-0074"
	mediaType    = "http://terminology.hl7.org/CodeSystem/media-type"
	dicom        = "http://dicom.nema.org/resources/ontology/DCM"
)

var (
	documentTypes = []string{"application/pdf", "image/jpeg", "image/png", "image/tiff", "text/plain"}
	photoTypes    = []string{"image/jpeg", "image/png", "image/webp", "image/heic", "image/tiff"}
	audioTypes    = []string{
		"audio/wav", "audio/mpeg", "audio/mp4", "audio/aac", "audio/webm", "audio/ogg", "audio/flac",
		"video/webm", "video/mp4", // as browsers' recorders label audio
	}
)

// AdministrativeKinds are what a clerk may see and file.
var AdministrativeKinds = []string{"intake-form", "consent", "referral-letter", "insurance-card"}

// DefaultKinds is the registry that is shipped; a deployment or a tenant may
// add to it and replace entries. LOINC codes are in R4's own
// http://hl7.org/fhir/R4/valueset-c80-doc-typecodes.html.
func DefaultKinds() []FileKind {
	return []FileKind{
		document("intake-form", "Intake form", "administrative", "74465-6"),
		document("consent", "Consent", "administrative", "59284-0"),
		document("referral-letter", "Referral letter", "clinical-note", "57133-1"),
		document("insurance-card", "Insurance card", "administrative", "64290-0"),
		document("lab-report", "Laboratory report", "laboratory", "11502-2"),
		document("discharge-summary", "Discharge summary", "clinical-note", "18842-5"),
		document("tracing", "Tracing", "clinical-note", "11524-6"),
		photo("clinical-photo", "Clinical photograph"),
		photo("wound-photo", "Wound photograph"),
		photo("skin-finding", "Skin finding"),
		audio("session-audio", "Session recording"),
		audio("dictation-audio", "Dictation"),
		{
			Code: "raw", Display: "Other file", Resource: Binary, Category: "raw",
			ContentTypes: []string{"*/*"}, MaxSize: 50 * gib, AllowEmpty: true,
			Scan: ScanNone, Mismatch: RefuseMismatch,
		},
	}
}

func document(code, display, category, loincCode string) FileKind {
	return FileKind{
		Code: code, Display: display, Resource: DocumentReference, Category: category,
		ContentTypes: documentTypes, MaxSize: 500 * mib, Scan: ScanNone, Mismatch: RefuseMismatch,
		Type:           &Coding{System: loinc, Code: loincCode},
		CategoryCoding: categoryCoding(category),
	}
}

func photo(code, display string) FileKind {
	return FileKind{
		Code: code, Display: display, Resource: Media, Category: "media",
		ContentTypes: photoTypes, MaxSize: 200 * mib, Scan: ScanNone, Mismatch: RefuseMismatch,
		Type:     &Coding{System: mediaType, Code: "image", Display: "Image"},
		Modality: &Coding{System: dicom, Code: "XC", Display: "External-camera Photography"},
	}
}

func audio(code, display string) FileKind {
	return FileKind{
		Code: code, Display: display, Resource: Media, Category: "media",
		ContentTypes: audioTypes, MaxSize: 5 * gib, Scan: ScanNone, Mismatch: RefuseMismatch,
		Type: &Coding{System: mediaType, Code: "audio", Display: "Audio"},
	}
}

// categoryCoding is nil for categories which only our own file-category system knows.
func categoryCoding(category string) *Coding {
	switch category {
	case "clinical-note":
		return &Coding{System: usCoreDocCat, Code: "clinical-note", Display: "Clinical Note"}
	case "laboratory":
		return &Coding{System: v2Diagnostic, Code: "LAB", Display: "Laboratory"}
	}
	return nil
}
