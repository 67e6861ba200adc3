#!/bin/sh
# Made the files beside it once, with sox, lame, opus-tools and ffmpeg: each 0.3 s of 1,000 Hz with half of the greatest peak.
# Run it only to add one; what is there stays as it was made.
set -eu
cd "$(dirname "$0")"

made() { [ -e "$1" ] || { shift; "$@"; }; }
synth() { sox -D -n "$@" synth 0.3 sine 1000 vol 0.5; }

made u8_8000.wav synth -r 8000 -c 1 -b 8 -e unsigned-integer u8_8000.wav
made s16_8000.wav synth -r 8000 -c 1 -b 16 s16_8000.wav
made s16_11025_stereo.wav synth -r 11025 -c 2 -b 16 s16_11025_stereo.wav
made s24_16000.wav synth -r 16000 -c 1 -b 24 s24_16000.wav
made s32_22050.wav synth -r 22050 -c 1 -b 32 -e signed-integer s32_22050.wav
made f32_32000.wav synth -r 32000 -c 1 -b 32 -e floating-point f32_32000.wav
made f64_8000.wav synth -r 8000 -c 1 -b 64 -e floating-point f64_8000.wav
made alaw_8000.wav synth -r 8000 -c 1 -e a-law alaw_8000.wav
made ulaw_8000.wav synth -r 8000 -c 1 -e u-law ulaw_8000.wav
made s24_8000_six.wav synth -r 8000 -c 6 -b 24 s24_8000_six.wav
made streamed_8000.wav sh -c 'sox -D -n -r 8000 -c 1 -b 16 -t wav - synth 0.3 sine 1000 vol 0.5 | cat > streamed_8000.wav'
made ffmpeg_piped_8000.wav sh -c 'ffmpeg -hide_banner -loglevel error -i s16_8000.wav -f wav - | cat > ffmpeg_piped_8000.wav'
made rf64_8000.wav ffmpeg -hide_banner -loglevel error -i s16_8000.wav -rf64 always rf64_8000.wav
made adpcm_8000.wav synth -r 8000 -c 1 -e ms-adpcm adpcm_8000.wav
made gsm_8000.wav synth -r 8000 -c 1 -e gsm-full-rate gsm_8000.wav

made source_44100.tmp.wav synth -r 44100 -c 2 -b 16 source_44100.tmp.wav
made source_22050.tmp.wav synth -r 22050 -c 1 -b 16 source_22050.tmp.wav
made source_48000.tmp.wav synth -r 48000 -c 2 -b 16 source_48000.tmp.wav
made cbr_44100_stereo.mp3 lame --quiet -b 128 source_44100.tmp.wav cbr_44100_stereo.mp3
made vbr_22050.mp3 lame --quiet -V 4 -m m source_22050.tmp.wav vbr_22050.mp3
made cbr_8000.mp3 lame --quiet -m m -b 24 s16_8000.wav cbr_8000.mp3
made untagged_44100.mp3 lame --quiet -t -m m -b 64 source_44100.tmp.wav untagged_44100.mp3
made tagged_44100.mp3 ffmpeg -hide_banner -loglevel error -i source_44100.tmp.wav -b:a 64k -ac 1 -id3v2_version 3 -write_id3v1 1 -metadata title=tone -metadata "comment=$(printf '%2000s' x)" tagged_44100.mp3
made layer2_44100.mp2 ffmpeg -hide_banner -loglevel error -i source_44100.tmp.wav -b:a 64k -ac 1 -f mp2 layer2_44100.mp2

made mono.opus opusenc --quiet --bitrate 32 --serial 1 s16_8000.wav mono.opus
made stereo.opus opusenc --quiet --bitrate 64 --serial 2 source_48000.tmp.wav stereo.opus
made ffmpeg.opus ffmpeg -hide_banner -loglevel error -i source_48000.tmp.wav -c:a libopus -b:a 48k -frame_duration 60 -ac 1 ffmpeg.opus
made chained.opus sh -c 'cat mono.opus stereo.opus > chained.opus'
made vorbis.ogg ffmpeg -hide_banner -loglevel error -i source_48000.tmp.wav -c:a libvorbis -q:a 0 vorbis.ogg
made flac.flac sox -D s16_8000.wav flac.flac

made ulaw_8000.ulaw synth -r 8000 -c 1 -t ul ulaw_8000.ulaw
made alaw_8000.alaw synth -r 8000 -c 1 -t al alaw_8000.alaw
made s16_16000.sln16 synth -r 16000 -c 1 -t s16 s16_16000.sln16
made g722_16000.g722 sh -c 'sox -D -n -r 16000 -c 1 -b 16 g722.tmp.wav synth 0.3 sine 1000 vol 0.5 && ffmpeg -hide_banner -loglevel error -i g722.tmp.wav -f g722 g722_16000.g722'
rm -f ./*.tmp.wav
