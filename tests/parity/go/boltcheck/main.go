// Command boltcheck says what the real bbolt makes of database files: for each file its own check, every
// bucket and item, what each page is, and its statistics, as lines of text. With -write it first adds a
// bucket of its own to each file, as any program that uses bbolt would.
//
// Build (Debian: apt-get install golang-go golang-github-coreos-bbolt-dev):
//
//	GO111MODULE=off GOPATH=/usr/share/gocode go build -o boltcheck .
package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"sort"
	"time"

	bolt "go.etcd.io/bbolt"
)

var (
	write          = flag.Bool("write", false, "add a bucket to each file before looking at it")
	noFreelistSync = flag.Bool("nofreelistsync", false, "write without storing the freelist")
	out            = bufio.NewWriter(os.Stdout)
)

func main() {
	flag.Parse()
	defer out.Flush()
	for _, path := range flag.Args() {
		if *write {
			if err := extend(path); err != nil {
				line("write error: %v", err)
			}
		}
		if err := look(path); err != nil {
			line("open error: %v", err)
		}
		line("end")
		out.Flush()
	}
}

func line(format string, values ...interface{}) {
	fmt.Fprintf(out, format+"\n", values...)
}

// extend puts 200 items into a bucket of its own, and takes half of them out again.
func extend(path string) error {
	db, err := bolt.Open(path, 0600, &bolt.Options{Timeout: time.Second, NoFreelistSync: *noFreelistSync, NoSync: true})
	if err != nil {
		return err
	}
	defer db.Close()
	key := make([]byte, 4)
	err = db.Update(func(tx *bolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists([]byte("written by bbolt"))
		for i := uint32(0); err == nil && i < 200; i++ {
			binary.BigEndian.PutUint32(key, i)
			err = b.Put(append([]byte{}, key...), make([]byte, i))
		}
		return err
	})
	if err != nil {
		return err
	}
	return db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte("written by bbolt"))
		for i := uint32(0); i < 100; i++ {
			binary.BigEndian.PutUint32(key, i*2)
			if err := b.Delete(key); err != nil {
				return err
			}
		}
		return nil
	})
}

func look(path string) error {
	db, err := bolt.Open(path, 0400, &bolt.Options{ReadOnly: true, Timeout: time.Second})
	if err != nil {
		return err
	}
	defer db.Close()
	return db.View(func(tx *bolt.Tx) error {
		check(tx)
		line("tx %d size %d pageSize %d", tx.ID(), tx.Size(), db.Info().PageSize)
		items(tx.Cursor(), tx.Bucket, "")
		return pages(tx)
	})
}

func check(tx *bolt.Tx) {
	var found []string
	for err := range tx.Check() {
		found = append(found, err.Error())
	}
	sort.Strings(found)
	for _, text := range found {
		line("check: %s", text)
	}
}

// items lists a bucket in key order; path is the names from the root on, in hex, each followed by a slash.
func items(c *bolt.Cursor, open func([]byte) *bolt.Bucket, path string) {
	for k, v := c.First(); k != nil; k, v = c.Next() {
		if v != nil {
			line("item %s%x %d %x", path, k, len(v), sha256.Sum256(v))
			continue
		}
		b := open(k)
		name := fmt.Sprintf("%s%x/", path, k)
		line("bucket %s sequence %d", name, b.Sequence())
		if path == "" {
			s := b.Stats()
			line("stats %s branch %d %d leaf %d %d keys %d depth %d buckets %d inline %d",
				name, s.BranchPageN, s.BranchOverflowN, s.LeafPageN, s.LeafOverflowN, s.KeyN, s.Depth, s.BucketN, s.InlineBucketN)
			line("bytes %s branch %d %d leaf %d %d inline %d",
				name, s.BranchAlloc, s.BranchInuse, s.LeafAlloc, s.LeafInuse, s.InlineBucketInuse)
		}
		items(b.Cursor(), b.Bucket, name)
	}
}

func pages(tx *bolt.Tx) error {
	for id := 0; ; id++ {
		p, err := tx.Page(id)
		if err != nil || p == nil {
			return err
		}
		if p.Type == "free" {
			line("page %d free", id)
			continue
		}
		line("page %d %s %d %d", id, p.Type, p.Count, p.OverflowCount)
		id += p.OverflowCount
	}
}
