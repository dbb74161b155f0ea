package main

import (
	"errors"
	"net"
	"os"

	"faultzone/simulator/enclosure"
)

// controlFile is the name by which the listener of a world's API is handed over.
const controlFile = "control"

// handedOver are the open files that the world inside gets from the host: the API's listener on the host's loopback. The
// world itself serves it: from inside, nobody out here could be answered.
func handedOver(o controlOptions) ([]enclosure.File, error) {
	l, err := o.listen()
	if err != nil || l == nil {
		return nil, err
	}
	defer l.Close() // the file is another descriptor of the same socket
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		return nil, environment(err)
	}
	return []enclosure.File{{Name: controlFile, File: f}}, nil
}

// handedListener is the listener that was handed over; nil: none was.
func handedListener(files map[string]*os.File) (net.Listener, error) {
	f := files[controlFile]
	if f == nil {
		return nil, nil
	}
	l, err := net.FileListener(f)
	return l, errors.Join(err, f.Close())
}

// command has the world commanded: from the host on a listener, and from inside at the same address, which is another
// loopback's there.
func (w *execWorld) command(o controlOptions, l net.Listener, inside int) (*controlled, error) {
	o.inside, o.metrics = inside, w.watch.metricsOf(w.host.World)
	d, err := o.start(l, w.host, "exec", w.options.Speed, w.c.App.ErrWriter)
	if err != nil || d.server == nil || inside == 0 {
		return d, err
	}
	if inner, err := net.Listen(l.Addr().Network(), l.Addr().String()); err == nil { // else the host's will do
		d.serve(inner)
	}
	return d, nil
}
