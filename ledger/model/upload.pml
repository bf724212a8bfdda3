/* One upload, as the ledger, S3 and everybody who writes to it see it.
 *
 * Two writers and two sweepers take the upload's lease, each at any moment (a
 * lease may always have run out), read the row, and go on with what they read
 * while others take it over. Every step between two calls may be the last of a
 * process. What a process sends after it lost its lease still arrives.
 *
 * Checked for every interleaving (make model):
 *   P1  the offset never goes below one that was acknowledged, and the parts
 *       of the ledger are the bytes [0, N) once each, as S3 holds them;
 *   P2  an upload that was fully received becomes exactly one record, whoever
 *       died when: the last sweeper, which does not die, ends it.
 *
 * Each of these changes must be found to break a promise:
 *   -DNONCE=0    commits do not ask for the lease
 *   -DRESERVE=0  writers number parts by what they read when they came
 *   -DEARLY=1    an offset is acknowledged before its commit
 *   -DONCE=0     the record is written without looking at the upload's state
 *
 * In the code:
 *   take         ledger.Engine.take, store.DB.TakeLease
 *   commitTail   ledger.flow.commit, store.DB.CommitUnit (commitTails)
 *   reserve      ledger.Session.reservePart, store.DB.ReserveParts (several at once, of
 *                which some may never be used); TakeLease in the statement of take,
 *                where it is known then that a part will come
 *   send         ledger.Session.sendPart, blob.Bucket.UploadPart
 *   commitPart   ledger.flow.commit, ledger.Session.flushTails, store.DB.CommitUnit (commitPart)
 *   finish       ledger.Session.Assemble: flushTails, store.DB.BeginAssembly,
 *                completeParts and blob.Bucket.CompleteMultipart, store.DB.MarkStored;
 *                then records' transaction around store.Tx.CompleteUpload
 *   cancelled    store.Tx.EndUpload
 *
 * Left out: time (a lease may end at any moment, which is more than can happen),
 * scratch objects and the object of one PutObject (they are named by writer or
 * by attempt, so that no two meet), and what the bytes are: a piece is a number.
 */

#ifndef NONCE
#define NONCE 1
#endif
#ifndef RESERVE
#define RESERVE 1
#endif

#ifndef EARLY
#define EARLY 0
#endif
#ifndef ONCE
#define ONCE 1
#endif

#ifndef N
#define N 3          /* pieces of the file */
#endif
#define NUMBERS 20   /* part numbers */

mtype = { receiving, assembling, stored, completed, cancelled };

/* The row. */
mtype state = receiving;
byte lease = 0;
byte offset = 0;
byte parts_end = 0;
byte next_part = 1;

/* upload_part: for each piece how many parts hold it, and the part it is in. */
byte held[N];
byte number_of[N];
byte etag_of[N];

/* S3: what each number holds now, whether the multipart and the object exist. */
byte sent[NUMBERS];
byte etags = 0;
bool multipart = true;
bool object = false;

byte records = 0;
byte acked = 0;

#define mine(me) (lease == me)
#define fenced(me) (NONCE == 0 || mine(me))
#define mayCrash if :: mortal -> goto dead :: skip fi

/* The offset is told to the client, by the answer to a request or to HEAD. */
inline tell(to) {
	atomic {
		assert(offset >= to); /* P1: it is durable */
		if
		:: to > acked -> acked = to
		:: else
		fi
	}
}

/* A row's worth of bytes: one transaction, no call to S3. */
inline commitTail(me) {
	atomic {
		if
		:: fenced(me) && state == receiving && offset == at -> offset = at + 1; at++; assert(offset >= acked)
		:: else -> goto dead /* the lease is lost */
		fi
	}
}

/* A part number, durably, before anything is sent under it. */
inline reserve(me) {
	atomic {
		if
		:: RESERVE == 0 -> num = came; came++
		:: RESERVE == 1 && mine(me) && state == receiving -> num = next_part; next_part++
		:: else -> goto dead
		fi
	}
}

inline send() {
	atomic {
		if
		:: multipart -> etags++; et = etags; sent[num] = et
		:: else -> goto dead /* it was assembled meanwhile */
		fi
	}
}

/* The part holds everything from the end of the parts up to to. */
inline commitPart(me, to) {
	atomic {
		if
		:: fenced(me) && state == receiving && offset == at ->
			i = pend;
			do
			:: i < to -> held[i] = held[i] + 1; number_of[i] = num; etag_of[i] = et; i++
			:: else -> break
			od;
			offset = to; assert(offset >= acked); parts_end = to; pend = to; at = to; /* at last: to may be at + 1 */
			if
			:: RESERVE == 0 && next_part <= num -> next_part = num + 1
			:: else
			fi
		:: else -> goto dead
		fi
	}
}

/* Everybody finishes alike: what is left goes into a last part, S3 assembles
 * the parts of the ledger, the row says so, and the record is written with the
 * upload's end. */
inline finish(me) {
	if
	:: at < N -> goto dead
	:: else
	fi;
	if
	:: st == receiving && pend < N ->
		reserve(me); mayCrash; send(); mayCrash; commitPart(me, N); mayCrash
	:: else
	fi;
	atomic {
		if
		:: mine(me) && (state == receiving || state == assembling) -> state = assembling
		:: mine(me) && (state == stored || state == completed)
		:: else -> goto dead
		fi
	}
	mayCrash;
	atomic { /* CompleteMultipartUpload; an object that is there is success */
		if
		:: object || state == stored || state == completed
		:: else ->
			i = 0;
			do
			:: i < N -> assert(held[i] == 1 && sent[number_of[i]] == etag_of[i]); i++ /* P1; else S3 says InvalidPart for ever */
			:: else -> break
			od;
			object = true; multipart = false
		fi
	}
	mayCrash;
	atomic {
		if
		:: mine(me) && state == assembling -> state = stored
		:: mine(me) && (state == stored || state == completed)
		:: else -> goto dead
		fi
	}
	mayCrash;
	atomic { /* the record, by its upload's state and not by the lease */
		if
		:: ONCE == 1 && state == stored -> assert(object); records++; state = completed
		:: ONCE == 0 -> records++; state = completed
		:: else
		fi
	}
}

/* Take the lease and read the row, in one statement. */
inline take(me) {
	atomic { lease = me; assert(offset >= acked); at = offset; pend = parts_end; came = next_part; st = state }
}

proctype writer(byte me) {
	byte at, pend, num, et, i, came;
	bool mortal = true;
	mtype st;
	take(me);
	tell(at);
	do
	:: goto dead
	:: EARLY == 1 && at < N -> tell(at + 1); commitTail(me)
	:: at < N -> commitTail(me); mayCrash; tell(at)
	:: at < N -> reserve(me); mayCrash; send(); mayCrash; commitPart(me, at + 1); mayCrash; tell(at)
	:: at == N -> break
	od;
	finish(me);
	tell(N);
dead:
	skip
}

/* The sweeper ends what was received, and expires, or cancels in a client's
 * name, what never will be. */
proctype sweeper(byte me) {
	byte at, pend, num, et, i, came;
	bool mortal = true;
	mtype st;
	take(me);
	if
	:: at == N
	:: at < N ->
		atomic {
			if
			:: mine(me) && state == receiving && offset < N -> state = cancelled
			:: else
			fi
		}
		goto dead
	:: goto dead
	fi;
	finish(me);
dead:
	skip
}

init {
	byte at, pend, num, et, i, came;
	bool mortal = false;
	mtype st;
	atomic { run writer(1); run writer(2); run sweeper(3) }
	(_nr_pr == 1); /* they are through, or dead */
	assert(offset >= acked); /* P1 */
	if
	:: offset == N ->
		take(4);
		finish(4);
		assert(state == completed && records == 1 && object) /* P2 */
	:: else -> assert(records == 0 && !object)
	fi;
	goto done;
dead:
	assert(false); /* nobody can stop the last one */
done:
	skip
}
