// Package sign signs zones (RFC 4033 to 4035, RFC 5155): it adds DNSKEY, NSEC or NSEC3, and RRSIG records to an
// unsigned zone and gives a new one; when asked, CDS and CDNSKEY (RFC 7344, RFC 8078) and ZONEMD (RFC 8976) too.
//
// Everything that a signature depends on is an argument: the keys, the validity period, the kind of denial. There is
// no clock and no randomness, so the same arguments give the same bytes, on any number of cores. [DeriveKey] makes
// keys from a seed, [ReadKey] takes those of BIND's tools, and ECDSA signs by RFC 6979.
//
// The package never checks whether what it is told to sign makes sense to a validator: a period that has long ended, a
// key that no DS points to, a signature replaced by [Params.Alter], for which [Alteration] has the usual faults
// ready-made. Rehearsing exactly that is what it is for. When to sign again is the server's business.
package sign
