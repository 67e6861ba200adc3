/* baresip 1.0 shows an RSA certificate in DTLS, which no browser does any more and dimpl does not take. Loaded before libre, this
 * has it show the one of a file. */

#include <stdio.h>
#include <stdlib.h>

struct tls;
int tls_set_certificate(struct tls *tls, const char *pem, size_t len);

int tls_set_selfsigned_rsa(struct tls *tls, const char *name, size_t bits)
{
	char pem[8192];
	FILE *file = fopen(getenv("TANDEM_TEST_CERTIFICATE"), "r");
	size_t len;

	(void)name;
	(void)bits;
	if (!file)
		return 2;
	len = fread(pem, 1, sizeof(pem), file);
	fclose(file);
	return tls_set_certificate(tls, pem, len);
}
