package iterate

// Kind is what a reply means for the question. Each reply gets one, once.
type Kind uint8

const (
	// Answer: the RRset that was asked for.
	Answer Kind = iota
	// CNAME: the name is an alias (RFC 1034 section 3.6.2).
	CNAME
	// DNAME: a name above is redirected, and with it this one (RFC 6672).
	DNAME
	// NODATA: the name exists and has no such RRset (RFC 2308 section 2.2).
	NODATA
	// NXDOMAIN: the name does not exist (RFC 2308 section 2.1).
	NXDOMAIN
	// Referral: ask the servers of a zone below (RFC 2308 section 2.2 tells it from NODATA).
	Referral

	// What follows is of no use, and has another server asked.

	// Lame: the server does not serve the zone: a referral to itself or upward, or an empty or recursive answer.
	Lame
	// Truncated: over UDP; the whole is to be had over TCP.
	Truncated
	// ServerFailure, Refused, FormatError, NotImplemented: the response codes of these names, and NOTAUTH with Refused.
	ServerFailure
	Refused
	FormatError
	NotImplemented
	// Unexpected: another response code, or an answer section that has nothing to do with the question.
	Unexpected
	// Malformed: it cannot be unpacked.
	Malformed
	// BadVersion: BADVERS to EDNS version 0 (RFC 6891 section 6.1.3), which all who know EDNS know.
	BadVersion
	// BadCookie: BADCOOKIE (RFC 7873 section 5.3): again, with the cookie that came along.
	BadCookie
	// Misspelt: the question came back in another case (draft-vixie-dnsext-dns0x20).
	Misspelt
)

// String gives the kind as people write it.
func (k Kind) String() string {
	return [...]string{"answer", "CNAME", "DNAME", "NODATA", "NXDOMAIN", "referral", "lame", "truncated", "SERVFAIL", "REFUSED",
		"FORMERR", "NOTIMP", "unexpected response", "malformed", "BADVERS", "BADCOOKIE", "question in another case"}[k]
}

// Useful says whether the reply moves the resolution on.
func (k Kind) Useful() bool { return k <= Referral }
