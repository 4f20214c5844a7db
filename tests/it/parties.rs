//! Keygen, encrypt, eval and decrypt as four processes, and everything that can be wrong with their files.

use std::path::PathBuf;

use tempfile::TempDir;

use crate::command::{Outcome, ffhec};

const PROGRAM: &str =
    "fn main(a: uint<3> in [0, 6], b: uint<3>) -> (sum: uint<3>, less: bool) { (a + b, a < b) }";

/// A folder with a program, a table, a key pair and ciphertexts.
struct Parties {
    dir: TempDir,
}

impl Parties {
    fn new() -> Self {
        let parties = Parties { dir: tempfile::tempdir().unwrap() };
        std::fs::write(parties.path("p.ffl"), PROGRAM).unwrap();
        std::fs::write(parties.path("rows.csv"), "id,a,b\none,1,2\ntwo,6,5\nthree,0,7\nfour,3,3\nfive,2,6\n")
            .unwrap();
        parties.ffhec(&["keygen", "--preset", "test", "--out", "@keys"]).ok();
        parties.encrypt().ok();
        parties.eval().ok();
        parties
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// `@name` stands for a file of the folder.
    fn ffhec(&self, args: &[&str]) -> Outcome {
        let args: Vec<String> = args
            .iter()
            .map(|arg| match arg.strip_prefix('@') {
                Some(name) => self.path(name).display().to_string(),
                None => (*arg).to_owned(),
            })
            .collect();
        ffhec(&args)
    }

    fn encrypt(&self) -> Outcome {
        self.ffhec(&[
            "encrypt",
            "@p.ffl",
            "--key",
            "@keys/public.key",
            "--inputs",
            "@rows.csv",
            "--out",
            "@in.ct",
        ])
    }

    fn eval(&self) -> Outcome {
        self.ffhec(&["eval", "@p.ffl", "--key", "@keys/public.key", "--inputs", "@in.ct", "--out", "@out.ct"])
    }

    fn decrypt(&self) -> Outcome {
        self.ffhec(&["decrypt", "@p.ffl", "--key", "@keys/secret.key", "--inputs", "@out.ct"])
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = std::fs::read(self.path(name)).unwrap();
        change(&mut bytes);
        std::fs::write(self.path(name), bytes).unwrap();
    }
}

const RESULTS: &str = "id,sum,less\none,3,true\ntwo,3,false\nthree,7,true\nfour,6,false\nfive,0,true\n";

#[test]
fn four_processes_give_the_table_and_eval_needs_no_secret() {
    let parties = Parties::new();
    assert_eq!(parties.decrypt().ok(), RESULTS);
    std::fs::rename(parties.path("keys/secret.key"), parties.path("hidden")).unwrap();
    parties.encrypt().ok();
    parties.eval().ok();
    std::fs::rename(parties.path("hidden"), parties.path("keys/secret.key")).unwrap();
    assert_eq!(parties.decrypt().ok(), RESULTS);
}

#[cfg(unix)]
#[test]
fn the_secret_key_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let parties = Parties::new();
    let mode = std::fs::metadata(parties.path("keys/secret.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn keygen_does_not_overwrite_a_key_and_a_seed_repeats_one() {
    let parties = Parties::new();
    parties
        .ffhec(&["keygen", "--preset", "test", "--out", "@keys"])
        .fails(1, &["secret.key is there already", "--force"]);
    assert_eq!(parties.decrypt().ok(), RESULTS);
    for name in ["@s1", "@s2"] {
        parties.ffhec(&["keygen", "--preset", "test", "--seed", "1", "--out", name]).ok();
    }
    let read = |name: &str| std::fs::read(parties.path(name)).unwrap();
    assert_eq!(read("s1/secret.key"), read("s2/secret.key"));
    assert_eq!(read("s1/public.key"), read("s2/public.key"));
    parties.ffhec(&["keygen", "--preset", "test", "--force", "--out", "@keys"]).ok();
    parties.decrypt().fails(1, &["out.ct is encrypted with key", "use the key pair"]);
}

#[test]
fn encryption_with_a_seed_is_reproducible() {
    let parties = Parties::new();
    let encrypt = |out: &str| {
        parties
            .ffhec(&[
                "encrypt",
                "@p.ffl",
                "--key",
                "@keys/public.key",
                "--in",
                "a=1",
                "--in",
                "b=2",
                "--seed",
                "x",
                "--out",
                out,
            ])
            .ok();
    };
    encrypt("@c1");
    encrypt("@c2");
    assert_eq!(std::fs::read(parties.path("c1")).unwrap(), std::fs::read(parties.path("c2")).unwrap());
}

#[test]
fn a_foreign_key_is_named() {
    let parties = Parties::new();
    parties.ffhec(&["keygen", "--preset", "test", "--out", "@other"]).ok();
    parties
        .ffhec(&["eval", "@p.ffl", "--key", "@other/public.key", "--inputs", "@in.ct", "--out", "@o.ct"])
        .fails(1, &["in.ct is encrypted with key", "use the key pair"]);
    parties
        .ffhec(&["decrypt", "@p.ffl", "--key", "@other/secret.key", "--inputs", "@out.ct"])
        .fails(1, &["out.ct is encrypted with key"]);
    parties
        .ffhec(&["decrypt", "@p.ffl", "--key", "@keys/public.key", "--inputs", "@out.ct"])
        .fails(1, &["public.key", "secret key"]);
    parties
        .ffhec(&["eval", "@p.ffl", "--key", "@keys/secret.key", "--inputs", "@in.ct", "--out", "@o.ct"])
        .fails(1, &["secret.key", "public key"]);
}

#[test]
fn another_program_is_refused() {
    let parties = Parties::new();
    std::fs::write(parties.path("q.ffl"), "fn main(a: uint<4>, b: uint<3>) -> bool { a < (b as uint<4>) }")
        .unwrap();
    parties
        .ffhec(&["eval", "@q.ffl", "--key", "@keys/public.key", "--inputs", "@in.ct", "--out", "@o.ct"])
        .fails(1, &["in.ct was made for a program with other inputs"]);
    parties
        .ffhec(&["decrypt", "@q.ffl", "--key", "@keys/secret.key", "--inputs", "@out.ct"])
        .fails(1, &["out.ct was made for a program with other results"]);
    parties
        .ffhec(&["decrypt", "@p.ffl", "--key", "@keys/secret.key", "--inputs", "@in.ct"])
        .fails(1, &["in.ct holds encrypted inputs"]);
}

#[test]
fn a_program_compiled_for_another_preset_is_refused() {
    let parties = Parties::new();
    parties.ffhec(&["compile", "@p.ffl", "--preset", "toy", "-o", "@p.ffc"]).ok();
    parties
        .ffhec(&["eval", "@p.ffc", "--key", "@keys/public.key", "--inputs", "@in.ct", "--out", "@o.ct"])
        .fails(1, &["p.ffc was compiled for preset toy, not for test"]);
    parties.ffhec(&["compile", "@p.ffl", "--preset", "test", "-o", "@p.ffc"]).ok();
    parties
        .ffhec(&["eval", "@p.ffc", "--key", "@keys/public.key", "--inputs", "@in.ct", "--out", "@out.ct"])
        .ok();
    assert_eq!(parties.decrypt().ok(), RESULTS);
}

#[test]
fn damaged_files_are_named_with_what_to_do() {
    for name in ["keys/public.key", "keys/secret.key", "in.ct", "out.ct"] {
        let parties = Parties::new();
        let whole = std::fs::read(parties.path(name)).unwrap();
        let attempt = || match name {
            "keys/secret.key" | "out.ct" => parties.decrypt(),
            _ => parties.eval(),
        };
        let file = name.rsplit('/').next().unwrap();
        // Every kind of damage, spread over the whole file.
        for place in [0, 9, 20, 60, whole.len() / 3, whole.len() / 2, whole.len() - 1] {
            parties.change(name, |bytes| bytes[place] ^= 0x10);
            attempt().fails(1, &[file, "help: "]);
            std::fs::write(parties.path(name), &whole).unwrap();
        }
        for length in [0, 1, 12, 100, whole.len() / 2, whole.len() - 1] {
            parties.change(name, |bytes| bytes.truncate(length));
            attempt().fails(1, &[file, "help: "]);
            std::fs::write(parties.path(name), &whole).unwrap();
        }
        parties.change(name, |bytes| bytes.push(0));
        attempt().fails(1, &[file]);
        std::fs::remove_file(parties.path(name)).unwrap();
        attempt().fails(1, &[file, "cannot read"]);
    }
}

#[test]
fn ciphertexts_travel_through_pipes() {
    let parties = Parties::new();
    let key = parties.path("keys/public.key").display().to_string();
    let secret = parties.path("keys/secret.key").display().to_string();
    let program = parties.path("p.ffl").display().to_string();
    let input = std::fs::read(parties.path("in.ct")).unwrap();
    let eval = ["eval", program.as_str(), "--key", key.as_str(), "--inputs", "-", "--out", "-", "-q"];
    let output = crate::command::pipe(&eval, &input);
    let decrypt = ["decrypt", program.as_str(), "--key", secret.as_str(), "--inputs", "-"];
    assert_eq!(String::from_utf8(crate::command::pipe(&decrypt, &output)).unwrap(), RESULTS);
}

#[cfg(unix)]
#[test]
fn a_private_table_stays_private() {
    use std::os::unix::fs::PermissionsExt;
    let parties = Parties::new();
    let place = parties.path("private.csv");
    std::fs::write(&place, "old").unwrap();
    std::fs::set_permissions(&place, std::fs::Permissions::from_mode(0o600)).unwrap();
    parties
        .ffhec(&[
            "decrypt",
            "@p.ffl",
            "--key",
            "@keys/secret.key",
            "--inputs",
            "@out.ct",
            "--out",
            "@private.csv",
        ])
        .ok();
    assert_eq!(std::fs::read_to_string(&place).unwrap(), RESULTS);
    assert_eq!(std::fs::metadata(&place).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn keygen_leaves_old_keys_when_it_cannot_write_new_ones() {
    let parties = Parties::new();
    std::fs::remove_file(parties.path("keys/public.key")).unwrap();
    std::fs::create_dir(parties.path("keys/public.key")).unwrap();
    parties
        .ffhec(&["keygen", "--preset", "test", "--force", "--out", "@keys"])
        .fails(1, &["public.key", "directory"]);
    assert_eq!(parties.decrypt().ok(), RESULTS);
}

#[test]
fn info_says_what_files_are() {
    let parties = Parties::new();
    let text = parties.ffhec(&["info", "@keys/public.key", "@keys/secret.key", "@in.ct", "@out.ct"]).ok();
    for part in [
        "public key",
        "secret key",
        "encrypted inputs of 5 rows",
        "encrypted results of 5 rows",
        "preset test",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    parties.change("in.ct", |bytes| *bytes.last_mut().unwrap() ^= 1);
    parties.ffhec(&["info", "@in.ct"]).fails(1, &["in.ct", "checksum"]);
    parties.ffhec(&["info", "@rows.csv"]).fails(1, &["rows.csv", "not an ffhec file"]);
}
