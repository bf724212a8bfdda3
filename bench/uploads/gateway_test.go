package uploads

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
)

const (
	region    = "us-east-1"
	bucket    = "bench"
	accessKey = "bench"
	secretKey = "bench-secret"
)

// gateway is the S3 server that all rivals share.
type gateway struct {
	*process
	URL  string
	addr string
	root string
	cert string // file of its certificate; "" for plain http
}

// openGateway starts an S3 server with an empty bucket.
func openGateway(b *testing.B, secure bool) *gateway {
	b.Helper()
	dir := b.TempDir()
	g := &gateway{addr: freeAddress(b), root: dir}
	g.URL = "http://" + g.addr
	env := []string{"GATEWAY_ADDR=" + g.addr, "GATEWAY_ROOT=" + dir}
	if secure {
		key := filepath.Join(b.TempDir(), "key.pem")
		g.cert, g.URL = filepath.Join(b.TempDir(), "cert.pem"), "https://"+g.addr
		certify(b, g.cert, key)
		env = append(env, "GATEWAY_CERT="+g.cert, "GATEWAY_KEY="+key)
	}
	g.process = launch(b, "gateway", env, "gateway")
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		_, err := g.client(nil).CreateBucket(b.Context(), &s3.CreateBucketInput{Bucket: aws.String(bucket)})
		if err == nil {
			return g
		}
		if time.Now().After(end) {
			b.Fatal(err)
		}
	}
}

func runGateway(ctx context.Context) error {
	backend, err := posix.New(os.Getenv("GATEWAY_ROOT"), meta.XattrMeta{}, posix.PosixOpts{CopyObjectThreshold: 5 << 30})
	if err != nil {
		return err
	}
	fmt.Println("gateway starts")
	return embedgw.RunVersityGW(ctx, backend, &embedgw.Config{
		RootUserAccess: accessKey, RootUserSecret: secretKey, Region: region, Ports: []string{os.Getenv("GATEWAY_ADDR")},
		MaxConnections: 8192, MaxRequests: 4096, MultipartMaxParts: 10000, KeepAlive: true, Quiet: true,
		CertFile: os.Getenv("GATEWAY_CERT"), KeyFile: os.Getenv("GATEWAY_KEY"),
	})
}

// client speaks to the gateway, through at when that is not nil.
func (g *gateway) client(at *string) *s3.Client {
	if at == nil {
		at = &g.URL
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 256
	if g.cert != "" {
		pem, _ := os.ReadFile(g.cert)
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(pem)
		t.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	return s3.New(s3.Options{
		Region: region, BaseEndpoint: at, UsePathStyle: true, HTTPClient: &http.Client{Transport: t},
		Credentials: credentials.NewStaticCredentialsProvider(accessKey, secretKey, ""),
	})
}

// environ is what a rival's process needs to reach the gateway at url.
func (g *gateway) environ(url string) []string {
	env := []string{"AWS_ACCESS_KEY_ID=" + accessKey, "AWS_SECRET_ACCESS_KEY=" + secretKey, "AWS_REGION=" + region, "S3_URL=" + url}
	if g.cert != "" {
		env = append(env, "SSL_CERT_FILE="+g.cert)
	}
	return env
}

// certify writes a certificate for this machine.
func certify(b *testing.B, cert, key string) {
	b.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	t := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "bench"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, &private.PublicKey, private)
	if err != nil {
		b.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		b.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "EC PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			b.Fatal(err)
		}
	}
}

// empty removes the objects there are, so that the disk does not fill.
func (g *gateway) empty(b *testing.B) {
	b.Helper()
	root := filepath.Join(g.root, bucket)
	names, err := os.ReadDir(root)
	for _, n := range names {
		if n.Name() != ".sgwtmp" {
			err = os.RemoveAll(filepath.Join(root, n.Name()))
		}
	}
	if err != nil {
		b.Fatal(err)
	}
}
