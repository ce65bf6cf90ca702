// A TLS handshake in memory between a server and a client of Go, for each case that is read from standard input.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net"
	"os"
	"strings"
	"time"
)

type Case struct {
	Served, Key, Trusted, Host string
	Time                       int64
}

func verdict(one Case) string {
	pair, err := tls.X509KeyPair([]byte(one.Served), []byte(one.Key))
	if err != nil {
		return err.Error()
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(one.Trusted))
	there, here := net.Pipe()
	go tls.Server(there, &tls.Config{Certificates: []tls.Certificate{pair}}).Handshake()
	now := func() time.Time { return time.Unix(one.Time, 0) }
	client := tls.Client(here, &tls.Config{RootCAs: roots, ServerName: one.Host, Time: now})
	if err := client.Handshake(); err != nil {
		return err.Error()
	}
	return ""
}

func main() {
	var cases map[string]Case
	if err := json.NewDecoder(os.Stdin).Decode(&cases); err != nil {
		panic(err)
	}
	verdicts := map[string]string{}
	for name, one := range cases {
		verdicts[name] = strings.SplitN(verdict(one), "; ", 2)[0]
	}
	json.NewEncoder(os.Stdout).Encode(verdicts)
}
