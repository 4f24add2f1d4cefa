package main

import (
	"slices"
	"strings"
	"testing"
)

const output = `{0} tempest.api.volume.test_a.ATest.test_good [0.012s] ... ok
{1} tempest.api.volume.test_a.ATest.test_absent ... SKIPPED: no backups
{1} tempest.api.volume.test_a.ATest.test_bad [1.5s] ... FAILED

Captured traceback:
~~~~~~~~~~~~~~~~~~~
    Traceback (most recent call last):

      File "/x/test_a.py", line 92, in test_bad
    resp.check(self)

    tempest.lib.exceptions.BadRequest: Bad request
Details: {'code': 400}

Captured pythonlogging:
~~~~~~~~~~~~~~~~~~~~~~~
    2026-11-20 13:49:00 INFO 200 GET http://127.0.0.1/
{2} setUpClass (tempest.api.compute.test_b.BTest) [0.0s] ... FAILED

Captured traceback:
~~~~~~~~~~~~~~~~~~~
    Traceback (most recent call last):

      File "/x/test_b.py", line 9, in setUpClass
    raise value

    testtools.matchers._impl.MismatchError: 1 != 2
{2} setUpClass (tempest.api.compute.test_c.CTest) ... SKIPPED: no shelving
`

func TestReport(t *testing.T) {
	ids := []string{
		"tempest.api.volume.test_a.ATest.test_good[id-1,smoke]",
		"tempest.api.volume.test_a.ATest.test_absent[id-2]",
		"tempest.api.volume.test_a.ATest.test_bad[id-3]",
		"tempest.api.volume.test_a.ATest.test_unknown[id-4]",
		"tempest.api.compute.test_b.BTest.test_x[id-5]",
		"tempest.api.compute.test_b.BTest.test_y[id-6]",
		"tempest.api.compute.test_c.CTest.test_z[id-7]",
	}
	want := []result{
		{passed, ""},
		{skipped, "no backups"},
		{failed, "tempest.lib.exceptions.BadRequest: Bad request {'code': 400}"},
		{missing, "Tempest does not know this id, or ended before it"},
		{failed, "testtools.matchers._impl.MismatchError: 1 != 2"},
		{failed, "testtools.matchers._impl.MismatchError: 1 != 2"},
		{skipped, "no shelving"},
		{skipped, "no transfers"},
	}
	r := newReport(append(ids, "tempest.api.volume.test_transfers.DTest.test_v[id-8]"))
	r.skip("tempest.api.volume.test_transfers.", "no transfers")
	if run := r.known(strings.Join(ids, "\n")); !slices.Equal(run, ids) {
		t.Errorf("what runs is %q", run)
	}
	if err := r.read(strings.NewReader(output)); err != nil {
		t.Fatal(err)
	}
	for i, name := range r.asked {
		if got := r.of(name); got != want[i] {
			t.Errorf("%s: %v, want %v", name, got, want[i])
		}
	}
	var b strings.Builder
	r.print(&b, 0)
	if !strings.Contains(b.String(), "8 asked, 7 run") {
		t.Errorf("%s", b.String())
	}
	if r.passed() {
		t.Error("failed tests passed")
	}
}
