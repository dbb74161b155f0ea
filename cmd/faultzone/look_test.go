package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"
)

// look is a program for the tests: it tells how the DNS ports of addresses look to a socket, a line for each and transport.
func look() {
	for _, address := range os.Args[1:] {
		for _, proto := range []string{"udp", "tcp"} {
			fmt.Println(address, proto, lookAt(proto, address))
		}
	}
}

func lookAt(proto, address string) string {
	const impatience = 400 * time.Millisecond
	conn, err := net.DialTimeout(proto, net.JoinHostPort(address, "53"), impatience)
	if err != nil {
		return "connect: " + wordFor(err)
	}
	defer conn.Close()
	query := []byte("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x06\x00\x01") // . SOA
	if proto == "tcp" {
		query = append([]byte{0, byte(len(query))}, query...)
	}
	conn.SetDeadline(time.Now().Add(impatience))
	if _, err := conn.Write(query); err != nil {
		return "write: " + wordFor(err)
	}
	if _, err := conn.Read(make([]byte, 512)); err != nil {
		return "read: " + wordFor(err)
	}
	return "answer"
}

// wordFor is the system's word for it.
func wordFor(err error) string {
	var errno syscall.Errno
	switch {
	case errors.As(err, &errno):
		return errno.Error()
	case os.IsTimeout(err):
		return "timeout"
	}
	return err.Error()
}
