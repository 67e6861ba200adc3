//! Plays the endpoint scripts and shows what came of each: to be looked at after a script was written.

fn main() {
    for (name, script) in fuzz::corpus("endpoint") {
        println!("{name}: {:?}", fuzz::play(&script));
    }
}
