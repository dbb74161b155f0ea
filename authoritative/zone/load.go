package zone

import (
	"io"
	"io/fs"

	"github.com/miekg/dns"
)

// Load is [Parse] and [New] in one, for a zone that is in a file: what New finds, and [Zone.Warnings], then say where in
// the file it is. Where the file cannot be read as a whole, only that is told: what its records are together is not known.
// It needs less memory than the two.
func Load(r io.Reader, origin, file string) (*Zone, error) {
	return (&parser{}).load(r, origin, file)
}

// LoadFS is Load for the file at path in fsys, with $INCLUDE as [ParseFS] has it.
func LoadFS(fsys fs.FS, path, origin string) (*Zone, error) {
	f, err := openMaster(fsys, path, origin)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return (&parser{fsys: fsys}).load(f, origin, path)
}

func (p *parser) load(r io.Reader, origin, file string) (*Zone, error) {
	b, err := newBuilder(origin, 0)
	if err != nil {
		return nil, &ParseError{file, 1, err.(*CheckError).Error()}
	}
	b.where = p.position
	words := words{}
	err = p.read(r, origin, file, func(rr dns.RR, at spot) {
		words.share(rr)
		b.add(rr, at)
	})
	if err != nil {
		return nil, err
	}
	return b.finish()
}

// words has the names that many records of a file have in common, so that they are kept once.
type words map[string]string

// maxWords bounds how many are looked for.
const maxWords = 1 << 12

// share lets a record, which is nobody else's yet, point to such names.
func (w words) share(rr dns.RR) {
	var name *string
	switch x := rr.(type) {
	case *dns.NS:
		name = &x.Ns
	case *dns.CNAME:
		name = &x.Target
	case *dns.MX:
		name = &x.Mx
	case *dns.SRV:
		name = &x.Target
	default:
		return
	}
	if known, ok := w[*name]; ok {
		*name = known
	} else if len(w) < maxWords {
		w[*name] = *name
	}
}
