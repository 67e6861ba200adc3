//! Scripts of steps, as some targets play them: a line that begins with `@` is a step, what follows up to the next such line belongs to it.

/// The first steps of a script, as many as may be: the line that begins each, and what belongs to it.
pub fn steps(data: &[u8], most: usize) -> Vec<(String, Vec<u8>)> {
    let mut steps: Vec<Vec<u8>> = Vec::new();
    for line in data.split_inclusive(|&b| b == b'\n') {
        match steps.last_mut() {
            Some(step) if !line.starts_with(b"@") => step.extend_from_slice(line),
            _ => steps.push(line.to_vec()),
        }
    }
    steps.truncate(most);
    steps.into_iter().map(|step| split(&step)).collect()
}

fn split(step: &[u8]) -> (String, Vec<u8>) {
    let end = step.iter().position(|&b| b == b'\n').unwrap_or(step.len());
    (String::from_utf8_lossy(&step[..end]).into_owned(), step.get(end + 1..).unwrap_or_default().to_vec())
}
