package sign

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"

	"github.com/miekg/dns"
)

func decode(what, text string) ([]byte, error) {
	b, err := base64.StdEncoding.DecodeString(text)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s is not base64: %w", what, err)
	case len(b) == 0:
		return nil, fmt.Errorf("%s is missing", what)
	}
	return b, nil
}

// privateKey reads the private key out of a .private file's fields, and gives its public half as DNSKEY has it.
func privateKey(algorithm uint8, fields map[string]string) (crypto.Signer, []byte, error) {
	switch algorithm {
	case dns.RSASHA256, dns.RSASHA512:
		return privateRSA(fields)
	case dns.ECDSAP256SHA256:
		return privateECDSA(elliptic.P256(), 32, fields)
	case dns.ECDSAP384SHA384:
		return privateECDSA(elliptic.P384(), 48, fields)
	case dns.ED25519:
		seed, err := decode("PrivateKey", fields["PrivateKey"])
		if err != nil {
			return nil, nil, err
		}
		if len(seed) != ed25519.SeedSize {
			return nil, nil, fmt.Errorf("PrivateKey has %d octets, not the %d of an Ed25519 key", len(seed), ed25519.SeedSize)
		}
		key := ed25519.NewKeyFromSeed(seed)
		return key, key.Public().(ed25519.PublicKey), nil
	}
	return nil, nil, fmt.Errorf("algorithm %d (%s) cannot sign here: take 8, 10, 13, 14 or 15", algorithm,
		dns.AlgorithmToString[algorithm])
}

func privateECDSA(curve elliptic.Curve, size int, fields map[string]string) (crypto.Signer, []byte, error) {
	secret, err := decode("PrivateKey", fields["PrivateKey"])
	if err != nil {
		return nil, nil, err
	}
	if len(secret) > size {
		return nil, nil, fmt.Errorf("PrivateKey has %d octets, not the %d of a key on %s", len(secret), size, curve.Params().Name)
	}
	padded := make([]byte, size) // some tools left out leading zeros
	copy(padded[size-len(secret):], secret)
	key, err := ecdsa.ParseRawPrivateKey(curve, padded)
	if err != nil {
		return nil, nil, fmt.Errorf("PrivateKey: %w", err)
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		return nil, nil, fmt.Errorf("PrivateKey: %w", err)
	}
	return key, point[1:], nil
}

// privateRSA reads a key in the Chinese remainder form; the exponents and the coefficient are worked out anew.
func privateRSA(fields map[string]string) (crypto.Signer, []byte, error) {
	numbers := map[string]*big.Int{}
	for _, name := range []string{"Modulus", "PublicExponent", "PrivateExponent", "Prime1", "Prime2"} {
		b, err := decode(name, fields[name])
		if err != nil {
			return nil, nil, err
		}
		numbers[name] = new(big.Int).SetBytes(b)
	}
	e := numbers["PublicExponent"]
	if e.BitLen() > 31 {
		return nil, nil, fmt.Errorf("the public exponent has %d bits; the most possible here are 31", e.BitLen())
	}
	key := &rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: numbers["Modulus"], E: int(e.Int64())},
		D:         numbers["PrivateExponent"],
		Primes:    []*big.Int{numbers["Prime1"], numbers["Prime2"]},
	}
	if key.N.BitLen() < 1024 || key.N.BitLen() > 4096 {
		return nil, nil, fmt.Errorf("an RSA key of %d bits: 1024 to 4096 are possible (RFC 5702 section 2)", key.N.BitLen())
	}
	// Before anything costly is done with numbers of any length.
	if new(big.Int).Mul(key.Primes[0], key.Primes[1]).Cmp(key.N) != 0 || key.D.BitLen() > key.N.BitLen() {
		return nil, nil, errors.New("the RSA key is inconsistent: its modulus is not the product of its primes")
	}
	if err := key.Validate(); err != nil {
		return nil, nil, fmt.Errorf("the RSA key is inconsistent: %w", err)
	}
	key.Precompute()
	return key, publicRSA(&key.PublicKey), nil
}

// publicRSA is RFC 3110 section 2: the exponent's length, the exponent, the modulus.
func publicRSA(key *rsa.PublicKey) []byte {
	e := big.NewInt(int64(key.E)).Bytes() // never over 255 octets, so its length is one
	return append(append([]byte{byte(len(e))}, e...), key.N.Bytes()...)
}

// writePrivate writes the private key's lines as BIND does.
func writePrivate(b *bytes.Buffer, signer crypto.Signer) error {
	line := func(name string, value []byte) {
		fmt.Fprintf(b, "%s: %s\n", name, base64.StdEncoding.EncodeToString(value))
	}
	switch key := unwrapped(signer).(type) {
	case ed25519.PrivateKey:
		line("PrivateKey", key.Seed())
	case *ecdsa.PrivateKey:
		secret, err := key.Bytes()
		if err != nil {
			return err
		}
		line("PrivateKey", secret)
	case *rsa.PrivateKey:
		if len(key.Primes) != 2 {
			return fmt.Errorf("an RSA key with %d primes has no such form", len(key.Primes))
		}
		one := big.NewInt(1)
		p, q := key.Primes[0], key.Primes[1]
		line("Modulus", key.N.Bytes())
		line("PublicExponent", big.NewInt(int64(key.E)).Bytes())
		line("PrivateExponent", key.D.Bytes())
		line("Prime1", p.Bytes())
		line("Prime2", q.Bytes())
		line("Exponent1", new(big.Int).Mod(key.D, new(big.Int).Sub(p, one)).Bytes())
		line("Exponent2", new(big.Int).Mod(key.D, new(big.Int).Sub(q, one)).Bytes())
		line("Coefficient", new(big.Int).ModInverse(q, p).Bytes())
	default:
		return errors.New("its Signer does not give the private key away")
	}
	return nil
}
