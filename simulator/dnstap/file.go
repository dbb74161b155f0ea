package dnstap

import (
	"io"

	dnstap "github.com/dnstap/golang-dnstap"
	framestream "github.com/farsightsec/golang-framestream"
)

// NewFile writes into file, whose header is written at once; version is what each message says of the program. Close closes
// the file.
func NewFile(file io.WriteCloser, version string) (*Writer, error) {
	stream, err := framestream.NewWriter(file, &framestream.WriterOptions{ContentTypes: [][]byte{dnstap.FSContentType}})
	if err != nil {
		file.Close()
		return nil, err
	}
	return newWriter(&frames{stream: stream, file: file}, version), nil
}

// frames are those of a file. The first error stays.
type frames struct {
	stream *framestream.Writer
	file   io.WriteCloser
	err    error
}

func (f *frames) frame(b []byte) error {
	if f.err == nil {
		_, f.err = f.stream.WriteFrame(b)
	}
	return f.err
}

func (f *frames) flush() error {
	if f.err == nil {
		f.err = f.stream.Flush()
	}
	return f.err
}

func (f *frames) close() error {
	if f.err == nil {
		f.err = f.stream.Close()
	}
	if err := f.file.Close(); f.err == nil {
		f.err = err
	}
	return f.err
}
