package blob

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Namespace holds objects of the package's own, beside every tenant's.
const Namespace = ".bonfire/"

// VerifyEncryption finds out, with a small object of its own that it removes
// again, whether the store really encrypts with the configured key; without
// one there is nothing to verify. Stores exist that accept the request for
// SSE-KMS and ignore it. Kinds: Internal (ErrNotEncrypted), Unavailable (the
// key cannot be used, credentials, no answer).
func (b *Bucket) VerifyEncryption(ctx context.Context) error {
	if b.cfg.KMSKeyID == "" {
		return nil
	}
	key := Namespace + "encryption-probe-" + rand.Text()
	o, err := b.Put(ctx, key, "text/plain", BytesBody([][]byte{[]byte("probe")}))
	if errors.Is(err, errOther) {
		return fail(errKey, err) // a store without KMS, for one
	}
	if err != nil {
		return err
	}
	return b.remove(ctx, o)
}

// encryption is the headers of every object we create. The bucket key saves a
// call to KMS an object.
func (b *Bucket) encryption() (algorithm types.ServerSideEncryption, key *string, bucketKey *bool) {
	if b.cfg.KMSKeyID == "" {
		return "", nil, nil
	}
	return types.ServerSideEncryptionAwsKms, &b.cfg.KMSKeyID, aws.Bool(true)
}

// proveEncrypted asks the store about an object just made (a 200 for the
// request proves nothing) and removes it when it lies there in the clear.
// Without a key configured it is o, unasked.
func (b *Bucket) proveEncrypted(ctx context.Context, o Object) (Object, error) {
	if b.cfg.KMSKeyID == "" {
		return o, nil
	}
	head, err := b.Head(ctx, o.Key)
	if err != nil {
		return Object{}, err
	}
	if err := b.checkEncrypted(head); err != nil {
		_ = b.remove(ctx, o) // what remains, the sweeper finds
		return Object{}, err
	}
	if !head.HasCRC {
		head.CRC32C, head.HasCRC = o.CRC32C, o.HasCRC
	}
	return head, nil
}

// remove takes back an object this call made: that very version, and even
// when the caller has stopped waiting.
func (b *Bucket) remove(ctx context.Context, o Object) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return b.deleteOne(ctx, o.Key, o.VersionID)
}

func (b *Bucket) checkEncrypted(o Object) error {
	if b.encrypted(o) {
		return nil
	}
	return fail(ErrNotEncrypted, nil)
}

// encrypted reports whether o is what the configuration asks for. The
// algorithm has to match, and the key as far as it can be compared: a full ARN
// with a full ARN; a key id with the end of an ARN, and the other way round. An
// alias cannot be compared, for stores answer with the key behind it: there
// any KMS key ARN will do.
func (b *Bucket) encrypted(o Object) bool {
	want, got := b.cfg.KMSKeyID, o.KMSKey
	if want == "" {
		return true
	}
	if o.SSE != string(types.ServerSideEncryptionAwsKms) || got == "" {
		return false
	}
	wantARN, gotARN := strings.HasPrefix(want, "arn:"), strings.HasPrefix(got, "arn:")
	switch {
	case want == got:
		return true
	case strings.HasPrefix(want, "alias/"), wantARN && strings.Contains(want, ":alias/"):
		return gotARN && strings.Contains(got, ":kms:")
	case wantARN && gotARN:
		return false
	}
	return keyID(want) == keyID(got)
}

// keyID is the last part of an ARN: after "key/" on AWS, after the last colon
// on MinIO. Anything else is returned as it stands.
func keyID(key string) string {
	return key[strings.LastIndexAny(key, "/:")+1:]
}
