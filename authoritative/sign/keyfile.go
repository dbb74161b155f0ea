package sign

import (
	"bufio"
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// KeyTimes is what a key file says of a key's life, in the words of BIND's dnssec-settime. A zero time is not set.
// [Sign] does not look at them: when a key is published and when it signs is for its caller to decide.
type KeyTimes struct {
	Created, Publish, Activate, Revoke, Inactive, Delete time.Time
	SyncPublish, SyncDelete                              time.Time // of CDS and CDNSKEY
}

// KeyFiles are the two files that BIND's tools keep a key in.
type KeyFiles struct {
	Name    string // "Kexample.com.+013+07221": what .key and .private are put behind
	Public  []byte // NAME.key: the DNSKEY as a master file
	Private []byte // NAME.private
}

// ReadKey reads NAME.key and NAME.private from fsys; name may have either ending, or none. Where there is no private
// file the key is one that is published and does not sign.
func ReadKey(fsys fs.FS, name string) (*Key, error) {
	name = strings.TrimSuffix(strings.TrimSuffix(name, ".key"), ".private")
	public, err := fs.ReadFile(fsys, name+".key")
	if err != nil {
		return nil, fmt.Errorf("reading the key %s: %w", name, err)
	}
	private, err := fs.ReadFile(fsys, name+".private")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the key %s: %w", name, err)
	}
	k, err := ParseKey(public, private)
	if err != nil {
		return nil, fmt.Errorf("reading the key %s: %w", name, err)
	}
	return k, nil
}

// ParseKey makes a key of the texts of a .key file and a .private file (Private-key-format v1.2 and v1.3) of algorithm
// 8, 10, 13, 14 or 15. No private text gives a key without a Signer. A private key that is not the public one's is an
// error.
func ParseKey(public, private []byte) (*Key, error) {
	record, err := parsePublic(public)
	if err != nil {
		return nil, err
	}
	k := &Key{DNSKEY: record}
	if len(private) == 0 {
		return k, nil
	}
	fields, err := privateFields(private)
	if err != nil {
		return nil, err
	}
	if algorithm, _, _ := strings.Cut(fields["Algorithm"], " "); algorithm != strconv.Itoa(int(record.Algorithm)) {
		return nil, fmt.Errorf("the private key is of algorithm %q, the DNSKEY of %d", algorithm, record.Algorithm)
	}
	signer, encoded, err := privateKey(record.Algorithm, fields)
	if err != nil {
		return nil, err
	}
	if own, err := decode("the DNSKEY's public key", record.PublicKey); err != nil {
		return nil, err
	} else if !bytes.Equal(own, encoded) {
		return nil, fmt.Errorf("the private key is not that of the DNSKEY %d: take both files of one key", record.KeyTag())
	}
	k.Signer = repeatable{signer}
	for _, t := range k.Times.fields() {
		text := fields[t.name]
		if text == "" {
			continue
		}
		if *t.at, err = time.Parse(keyTime, text); err != nil {
			return nil, fmt.Errorf("%s %q is not a time as 20260326120000 is", t.name, text)
		}
	}
	return k, nil
}

// parsePublic reads the one DNSKEY of a .key file.
func parsePublic(text []byte) (*dns.DNSKEY, error) {
	zp := dns.NewZoneParser(bytes.NewReader(append(bytes.Clone(text), '\n')), ".", "")
	zp.SetDefaultTTL(0)
	rr, ok := zp.Next()
	if !ok {
		if err := zp.Err(); err != nil {
			return nil, fmt.Errorf("the public key file: %w", err)
		}
		return nil, errors.New("the public key file has no DNSKEY record")
	}
	k, ok := rr.(*dns.DNSKEY)
	if !ok {
		return nil, fmt.Errorf("the public key file has a %s, not a DNSKEY record", dns.Type(rr.Header().Rrtype))
	}
	if _, more := zp.Next(); more {
		return nil, errors.New("the public key file has more than one record")
	}
	if _, err := decode("the DNSKEY's public key", k.PublicKey); err != nil {
		return nil, err
	}
	k.Hdr.Name = dns.CanonicalName(k.Hdr.Name)
	return k, nil
}

// privateFields reads the "Name: value" lines of a .private file.
func privateFields(text []byte) (map[string]string, error) {
	fields := map[string]string{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == ';' || line[0] == '#' {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return nil, fmt.Errorf("line %d of the private key file is not NAME: VALUE", n)
		}
		if _, twice := fields[name]; twice {
			return nil, fmt.Errorf("line %d of the private key file has %s a second time", n, name)
		}
		fields[name] = strings.TrimSpace(value)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("the private key file: %w", err)
	}
	switch format := fields["Private-key-format"]; {
	case !strings.HasPrefix(format, "v1."):
		return nil, fmt.Errorf("the private key file has format %q; known is v1.3", format)
	case fields["Engine"] != "" || fields["Label"] != "":
		return nil, errors.New("the private key is in a hardware module, which cannot be used here: give its own Signer to a Key")
	}
	return fields, nil
}

// Files gives the key in BIND's form, which dnssec-signzone, named and [ReadKey] take. BIND signs of its own accord with
// keys whose Times have Publish and Activate, in the past. A Signer whose private key cannot be had, such as a hardware
// module's, is an error; a key without one has no Private.
func (k *Key) Files() (KeyFiles, error) {
	f := KeyFiles{Name: k.FileName(), Public: k.publicFile()}
	if k.Signer == nil {
		return f, nil
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "Private-key-format: v1.3\nAlgorithm: %d (%s)\n", k.DNSKEY.Algorithm, dns.AlgorithmToString[k.DNSKEY.Algorithm])
	if err := writePrivate(&b, k.Signer); err != nil {
		return KeyFiles{}, fmt.Errorf("exporting the key %d of %s: %w", k.DNSKEY.KeyTag(), k.DNSKEY.Hdr.Name, err)
	}
	for _, t := range k.Times.fields() {
		if !t.at.IsZero() {
			fmt.Fprintf(&b, "%s: %s\n", t.name, t.at.UTC().Format(keyTime))
		}
	}
	f.Private = b.Bytes()
	return f, nil
}

// FileName is the name that BIND's tools give a key's files: K, the zone, the algorithm in three digits and the key tag
// in five.
func (k *Key) FileName() string {
	return fmt.Sprintf("K%s+%03d+%05d", dns.CanonicalName(k.DNSKEY.Hdr.Name), k.DNSKEY.Algorithm, k.DNSKEY.KeyTag())
}

func (k *Key) publicFile() []byte {
	kind := "zone"
	if k.KSK() {
		kind = "key"
	}
	name := dns.CanonicalName(k.DNSKEY.Hdr.Name)
	var b bytes.Buffer
	fmt.Fprintf(&b, "; This is a %s-signing key, keyid %d, for %s\n", kind, k.DNSKEY.KeyTag(), name)
	for _, t := range k.Times.fields() {
		if !t.at.IsZero() {
			at := t.at.UTC()
			fmt.Fprintf(&b, "; %s: %s (%s)\n", t.name, at.Format(keyTime), at.Format(time.ANSIC))
		}
	}
	fmt.Fprintf(&b, "%s ", name)
	if ttl := k.DNSKEY.Hdr.Ttl; ttl > 0 {
		fmt.Fprintf(&b, "%d ", ttl)
	}
	fmt.Fprintf(&b, "IN DNSKEY %d %d %d %s\n", k.DNSKEY.Flags, k.DNSKEY.Protocol, k.DNSKEY.Algorithm,
		spaced(k.DNSKEY.PublicKey))
	return b.Bytes()
}

// spaced breaks base64 up as BIND does, 56 characters at a time.
func spaced(text string) string {
	var b strings.Builder
	for len(text) > 56 {
		b.WriteString(text[:56] + " ")
		text = text[56:]
	}
	return b.String() + text
}

// keyTime is how key files write a time.
const keyTime = "20060102150405"

type keyTimeField struct {
	name string
	at   *time.Time
}

// fields are the times in the order in which key files have them.
func (t *KeyTimes) fields() []keyTimeField {
	return []keyTimeField{{"Created", &t.Created}, {"Publish", &t.Publish}, {"Activate", &t.Activate}, {"Revoke", &t.Revoke},
		{"Inactive", &t.Inactive}, {"Delete", &t.Delete}, {"SyncPublish", &t.SyncPublish}, {"SyncDelete", &t.SyncDelete}}
}

// unwrapped is the private key that a Signer of this package holds.
func unwrapped(s crypto.Signer) crypto.Signer {
	if r, ok := s.(repeatable); ok {
		return r.Signer
	}
	return s
}
