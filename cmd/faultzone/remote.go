package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/user"

	"github.com/urfave/cli/v2"

	"faultzone/simulator/control"
	"faultzone/simulator/running"
)

// remote is a running world as its client commands see it.
type remote struct {
	running.World
	client *http.Client
	by     string
}

// worldFlag names the world that a client command is for.
func worldFlag() cli.Flag {
	return &cli.StringFlag{Name: "world", Usage: "the running world with this `ID`", DefaultText: "the only one"}
}

func jsonFlag() cli.Flag {
	return &cli.BoolFlag{Name: "json", Usage: "print what the API says", DisableDefaultText: true}
}

// remoteExits is the end of the description of each client command.
const remoteExits = "Exit code 2: the command line is wrong, or the world refuses it. 3: no such world runs, or it does not answer."

// remoteWorld finds the running world that a command is for.
func remoteWorld(c *cli.Context) (*remote, error) {
	w, err := running.Find(running.Dir(), c.String("world"))
	if err != nil {
		return nil, environment(err)
	}
	return dial(w)
}

func dial(w running.World) (*remote, error) {
	if w.Control == "" {
		return nil, environment(fmt.Errorf("the world %s has no API: it was started with --control off", w.ID))
	}
	// Its own transport: a proxy of the environment has no business here.
	return &remote{World: w, client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, by: me()}, nil
}

// me is who the world's journal says it was.
func me() string {
	name := "somebody"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if host, err := os.Hostname(); err == nil {
		name += "@" + host
	}
	return name
}

// order makes the call that a command stands for, and prints what came of it: with --json as the API says it, else by say.
func order[T any](c *cli.Context, method, path string, body any, say func(w io.Writer, v T)) error {
	r, err := remoteWorld(c)
	if err != nil {
		return err
	}
	var v T
	data, err := r.call(c.Context, method, path, body, &v)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return printAnswer(c, data)
	}
	say(c.App.Writer, v)
	return nil
}

// call makes a call and gives the answer as it came; into, when not nil, is filled with it.
func (r *remote) call(ctx context.Context, method, path string, body, into any) ([]byte, error) {
	reply, err := r.open(ctx, method, path, body, nil)
	if err != nil {
		return nil, err
	}
	defer reply.Body.Close()
	data, err := io.ReadAll(reply.Body)
	if err != nil {
		return nil, environment(fmt.Errorf("the world %s broke off: %w", r.ID, err))
	}
	if into != nil {
		if err := json.Unmarshal(data, into); err != nil {
			return nil, environment(fmt.Errorf("the world %s answers with something else than this program understands: %w", r.ID, err))
		}
	}
	return data, nil
}

// open makes a call and gives the reply, which is a good one; the caller closes its body.
func (r *remote) open(ctx context.Context, method, path string, body any, header http.Header) (*http.Response, error) {
	var content io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(data)
	}
	q, err := http.NewRequestWithContext(ctx, method, r.Control+path, content)
	if err != nil {
		return nil, err
	}
	for key, values := range header {
		q.Header[key] = values
	}
	q.Header.Set("Authorization", "Bearer "+r.Token)
	q.Header.Set("X-Faultzone-By", r.by)
	if body != nil {
		q.Header.Set("Content-Type", "application/json")
	}
	reply, err := r.client.Do(q)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		var op *net.OpError
		if errors.As(err, &op) {
			err = op
		}
		return nil, environment(fmt.Errorf("the world %s (process %d) does not answer: %w", r.ID, r.PID, err))
	case reply.StatusCode < http.StatusMultipleChoices:
		return reply, nil
	}
	defer reply.Body.Close()
	return nil, r.refused(reply)
}

// refused is why the world did not do it: what it says is wrong with what it was asked, or with itself.
func (r *remote) refused(reply *http.Response) error {
	const most = 64 << 10
	var p control.Problem
	t, _, _ := mime.ParseMediaType(reply.Header.Get("Content-Type"))
	if err := json.NewDecoder(io.LimitReader(reply.Body, most)).Decode(&p); err != nil || t != "application/problem+json" {
		return environment(fmt.Errorf("the world %s answers %s", r.ID, reply.Status))
	}
	if reply.StatusCode >= http.StatusInternalServerError || reply.StatusCode == http.StatusUnauthorized {
		return environment(fmt.Errorf("the world %s: %w", r.ID, &p))
	}
	return &exitError{exitUsage, &p}
}

// segment is a name as a part of a path. The root cannot be one, so it has a word.
func segment(name string) string {
	if name == "." {
		return "root"
	}
	return url.PathEscape(name)
}

// printAnswer prints what the API said, with the version of its form.
func printAnswer(c *cli.Context, data []byte) error {
	data = bytes.TrimSpace(data)
	if len(data) < 2 || data[0] != '{' {
		return environment(errors.New("the world answers with something else than an object"))
	}
	versioned := append([]byte(`{"schema_version":1,`), data[1:]...)
	var out bytes.Buffer
	if err := json.Indent(&out, versioned, "", "  "); err != nil {
		return environment(fmt.Errorf("the world's answer: %w", err))
	}
	_, err := fmt.Fprintln(c.App.Writer, out.String())
	return err
}
