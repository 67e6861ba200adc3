/* The box's voice: speaks a text into a WAV file with the one voice that it is linked with, and does nothing else.
   Debian's own program would bring six voices, a web client and a sound card's driver. */

#include <stdio.h>
#include <string.h>

#include <flite/flite.h>

cst_voice *register_cmu_us_kal(const char *folder);

/* The library can play on sound cards and to other machines. The box has no card, and asks nobody. */
cst_audiodev *audio_open_alsa(unsigned int rate, int channels, cst_audiofmt format) {
    (void)rate, (void)channels, (void)format;
    return NULL;
}
int audio_close_alsa(cst_audiodev *device) { (void)device; return -1; }
int audio_drain_alsa(cst_audiodev *device) { (void)device; return -1; }
int audio_flush_alsa(cst_audiodev *device) { (void)device; return -1; }
int audio_write_alsa(cst_audiodev *device, void *samples, int octets) {
    (void)device, (void)samples, (void)octets;
    return -1;
}
int cst_socket_open(const char *host, int port) { (void)host, (void)port; return -1; }
int cst_socket_close(int socket) { (void)socket; return -1; }

int main(int count, char **words) {
    const char *text = NULL, *file = NULL;
    int is_right = count % 2 == 1;
    for (int at = 1; is_right && at < count; at += 2) {
        if (strcmp(words[at], "-t") == 0) text = words[at + 1];
        else if (strcmp(words[at], "-o") == 0) file = words[at + 1];
        else is_right = strcmp(words[at], "-voice") == 0 && strcmp(words[at + 1], "kal") == 0;
    }
    if (!is_right || !text || !file) {
        fputs("usage: flite_cmu_us_kal [-voice kal] -t TEXT -o FILE\n", stderr);
        return 2;
    }
    flite_init();
    cst_wave *wave = flite_text_to_wave(text, register_cmu_us_kal(NULL));
    if (!wave || cst_wave_save_riff(wave, file) < 0) {
        fputs("it cannot be spoken, or not written\n", stderr);
        return 1;
    }
    return 0;
}
