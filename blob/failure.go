package blob

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/smithy-go"

	"github.com/bonfiredb/bonfire/clinical"
)

// What the store can say that a caller acts on. Test with errors.Is; each
// comes inside a clinical.Failure of the kind named. The first six are final:
// the same call will not end otherwise.
var (
	// ErrNotFound: no such object. Kind NotFound.
	ErrNotFound = errors.New("no such object")
	// ErrMultipartGone: the multipart upload was aborted or expired, and its
	// parts with it. Kind Gone.
	ErrMultipartGone = errors.New("no such multipart upload")
	// ErrConflict: another object already has this key. Kind Conflict.
	ErrConflict = errors.New("another object has this key")
	// ErrDigestMismatch: the bytes are not those their checksum was made of.
	// Kind ChecksumMismatch.
	ErrDigestMismatch = errors.New("bytes and checksum differ")
	// ErrBadParts: the list of parts does not describe what the store holds: an
	// ETag that was overwritten, a part too small, a gap in the sizes. Kind
	// Internal.
	ErrBadParts = errors.New("the parts do not fit")
	// ErrNotEncrypted: the finished object is not encrypted with the configured
	// key. Kind Internal.
	ErrNotEncrypted = errors.New("stored without the configured encryption")
	// ErrRefused: the store does not accept our credentials, or grants them too
	// little. Nothing is lost by waiting for the operator. Kind Unavailable.
	ErrRefused = errors.New("credentials refused")
	// ErrUnavailable: no verdict: 5xx, throttling, timeouts, connections that
	// broke, contexts that ended. Kind Unavailable.
	ErrUnavailable = errors.New("no answer from storage")

	errNoBucket = errors.New("no such bucket")
	errKey      = errors.New("the KMS key cannot be used")
	errOther    = errors.New("unexpected answer")
)

// Transient reports that err is no verdict on the object or the upload: the
// same call may succeed later, so nothing may be given up because of it. That
// includes refused credentials, a missing bucket and an unusable KMS key, all
// of which an operator can mend.
func Transient(err error) bool {
	for _, e := range []error{ErrUnavailable, ErrRefused, errNoBucket, errKey} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// fail is the Failure for one of the errors above. Its words are constant.
func fail(verdict, cause error) *clinical.Failure {
	kind, words := clinical.Internal, "storage gave an unexpected answer"
	switch verdict {
	case ErrNotFound:
		kind, words = clinical.NotFound, "not found in storage"
	case ErrMultipartGone:
		kind, words = clinical.Gone, "the upload is no longer in storage"
	case ErrConflict:
		kind, words = clinical.Conflict, "storage already holds something else under this name"
	case ErrDigestMismatch:
		kind, words = clinical.ChecksumMismatch, "the bytes do not match their checksum"
	case ErrBadParts:
		words = "the parts in storage are not those recorded"
	case ErrNotEncrypted:
		words = "storage accepted the bytes and did not encrypt them with the configured key"
	case ErrRefused:
		kind, words = clinical.Unavailable, "storage refused the server's credentials"
	case ErrUnavailable:
		kind, words = clinical.Unavailable, "storage does not answer; try again"
	case errNoBucket:
		kind, words = clinical.Unavailable, "the storage bucket does not exist"
	case errKey:
		kind, words = clinical.Unavailable, "storage cannot use the configured encryption key"
	}
	switch {
	case cause == nil:
		return clinical.Fail(kind, words, verdict)
	case clinical.AsFailure(cause) != nil:
		// An earlier verdict that this one overrules: told, not wrapped, so
		// that errors.Is finds only one.
		return clinical.Fail(kind, words, fmt.Errorf("%w: %v", verdict, cause))
	}
	return clinical.Fail(kind, words, fmt.Errorf("%w: %w", verdict, cause))
}

// failure translates an error of the SDK; nil stays nil, a Failure itself.
func failure(err error) error {
	if err == nil || clinical.AsFailure(err) != nil {
		return err
	}
	return fail(verdict(err), err)
}

// verdict finds which of the errors above an SDK error amounts to. Only an
// answer of the store can be final; whatever prevented one is ErrUnavailable,
// unless the request could not even be written.
func verdict(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return ErrUnavailable
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		if v := byCode(api.ErrorCode()); v != nil {
			return v
		}
	}
	var answer interface{ HTTPStatusCode() int }
	if errors.As(err, &answer) && answer.HTTPStatusCode() != 0 {
		return byStatus(answer.HTTPStatusCode())
	}
	var parameters smithy.InvalidParamsError
	var serialization *smithy.SerializationError
	if errors.As(err, &parameters) || errors.As(err, &serialization) {
		return errOther
	}
	return ErrUnavailable
}

// byCode reads S3's error codes
// (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html), and
// the few in which other stores differ; nil leaves it to the status.
func byCode(code string) error {
	switch code {
	case "NoSuchKey", "NotFound", "NoSuchVersion":
		return ErrNotFound
	case "NoSuchUpload":
		return ErrMultipartGone
	case "NoSuchBucket":
		return errNoBucket
	case "PreconditionFailed":
		return ErrConflict
	case "BadDigest", "XAmzContentChecksumMismatch", "XAmzContentSHA256Mismatch":
		return ErrDigestMismatch
	case "InvalidPart", "InvalidPartOrder", "EntityTooSmall":
		return ErrBadParts
	case "ExpiredToken", "InvalidToken", "TokenRefreshRequired", "AuthorizationHeaderMalformed":
		return ErrRefused
	case "RequestTimeout": // a 400
		return ErrUnavailable
	case "NotImplemented": // a 501, and yet no better later
		return errOther
	}
	// "KMS.DisabledException" on AWS, "kms:KeyNotFound" on MinIO.
	if strings.HasPrefix(strings.ToLower(code), "kms") {
		return errKey
	}
	return nil
}

// byStatus is for answers without a code we know; HEAD has no body to hold one.
func byStatus(status int) error {
	switch {
	case status == http.StatusNotFound:
		return ErrNotFound
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return ErrRefused
	case status == http.StatusPreconditionFailed:
		return ErrConflict
	case status == http.StatusRequestTimeout, status == http.StatusConflict,
		status == http.StatusTooManyRequests, status >= 500, status < 300:
		// Below 300: an answer that broke off, so that it could not be read.
		return ErrUnavailable
	}
	return errOther
}
