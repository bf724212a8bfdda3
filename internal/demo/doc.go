// Package demo is the demo clinic of `serve --dev`: two tenants, their
// principals and a few patients.
//
// Names and ids are fixed; the documentation, the console and the tests use
// them. All names are invented. What does not live here: real data, and
// anything that a production server does.
package demo
