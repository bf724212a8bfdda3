// Command bonfire is the server and its tools; `bonfire help` lists them.
package main
