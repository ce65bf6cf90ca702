"""What the registry says of an object store that does not serve it, and the option that the status names."""

import pytest
from deploying import release
from registry.message import about
from registry.release import filenames, store_faults
from registry.release.release import Release

S3 = {
    "storage-s3-bucket": "images",
    "storage-s3-region": "eu-west-1",
    "storage-s3-regionendpoint": "https://me:hush@s3.example.com:9000",
}
SENT = 's3aws: RequestError: send request failed caused by: Put "https://s3.example.com:9000/images/x?uploads=": '

WORDS = {
    f"{SENT}dial tcp 10.0.0.9:9000: connect: connection refused": "regionendpoint",
    f"{SENT}dial tcp: lookup s3.example.com on 10.0.0.2:53: no such host": "regionendpoint",
    f"{SENT}dial tcp 10.0.0.9:9000: i/o timeout": "regionendpoint",
    f"{SENT}dial tcp 10.0.0.9:9000: connect: no route to host": "regionendpoint",
    f"{SENT}EOF": "regionendpoint",
    f"{SENT}context deadline exceeded (Client.Timeout exceeded while awaiting headers)": "regionendpoint",
    f"{SENT}x509: certificate signed by unknown authority": "regionendpoint",
    f"{SENT}x509: certificate is valid for a, not s3.example.com": "regionendpoint",
    "no answer within 5 s": "regionendpoint",
    "no answer within 20 s (no answer within 5 s)": "regionendpoint",
    "s3aws: ServiceUnavailable: Service Unavailable status code: 503, request id: , host id: ": "regionendpoint",
    "s3aws: InternalError: We encountered an internal error. status code: 500": "regionendpoint",
    "s3aws: InvalidAccessKeyId: The Access Key Id you provided does not exist status code: 403": "accesskey",
    "s3aws: NoCredentialProviders: no valid providers in chain. Deprecated": "accesskey",
    "s3aws: SignatureDoesNotMatch: The request signature we calculated status code: 403": "secretkey",
    "s3aws: RequestTimeTooSkewed: The difference status code: 403": "secretkey",
    "s3aws: AccessDenied: Access Denied status code: 403, request id: 1": "accesskey",
    "s3aws: Forbidden: Forbidden status code: 403": "accesskey",
    "s3aws: NoSuchBucket: The specified bucket does not exist status code: 404": "bucket",
    "s3aws: NotFound: Not Found status code: 404": "bucket",
    "s3aws: AuthorizationHeaderMalformed: the region 'x' is wrong; expecting 'y' status code: 400": "region",
    "s3aws: BadRequest: Bad Request status code: 400": "region",
    "s3aws: PermanentRedirect: must be addressed using status code: 301": "region",
    "configuration error: yaml: line 3": None,
    "the container ended without an error": None,
    "GET / returned 401 instead of 200": None,
}


SWIFT = {
    "storage-swift-authurl": "http://swift.example.com/v3",
    "storage-swift-container": "images",
    "storage-swift-username": "me",
    "storage-swift-password": "hush",
}
OF_SWIFT = {
    'panic: swift authentication failed: Get "http://swift/v3": dial tcp: connect: connection refused': "authurl",
    "panic: swift authentication failed: Timeout when reading or writing data": "authurl",
    "panic: swift authentication failed: HTTP Error: 503: 503 Service Unavailable": "authurl",
    'panic: swift authentication failed: Post "https://x/": x509: certificate signed by unknown authority': "authurl",
    "panic: swift authentication failed: Authorization Failed": "password",
    "panic: swift authentication failed: Operation forbidden": "password",
    "panic: failed to retrieve info about container images (Operation forbidden)": "container",
    "panic: failed to retrieve info about container images (Head http://s/: dial tcp: i/o timeout)": "authurl",
    "panic: configuration error": None,
}


@pytest.mark.parametrize("words", OF_SWIFT)
def test_the_option_of_swift_is_named(words):
    fault = store_faults.find(release(**SWIFT), words)
    assert (fault and fault.option) == (OF_SWIFT[words] and f"storage-swift-{OF_SWIFT[words]}")
    assert "hush" not in repr(fault)


@pytest.mark.parametrize("words", WORDS)
def test_the_option_is_named(words):
    fault = store_faults.find(release(**S3), words)
    assert (fault and fault.option) == (WORDS[words] and f"storage-s3-{WORDS[words]}")
    assert "hush" not in repr(fault)


@pytest.mark.parametrize("words", [words for words, option in WORDS.items() if option])
def test_the_key_of_a_relation_is_named(words):
    by_options = release(**S3)
    related = Release(by_options.container, by_options.config_yml, {filenames.STORE: "{}"})
    option = store_faults.find(related, words).option
    assert option.startswith("s3-credentials (")


@pytest.mark.parametrize("words", WORDS)
def test_a_disk_is_no_store(words):
    assert store_faults.find(release(), words) is None


def test_the_sentence_names_the_endpoint_and_the_reason():
    fault = store_faults.find(release(**S3), next(iter(WORDS)))
    assert about(fault.option, fault.text) == (
        "storage-s3-regionendpoint: https://...@s3.example.com:9000 does not answer "
        "(dial tcp 10.0.0.9:9000: connect: connection refused). Check the URL and the network. Retrying automatically."
    )


def test_amazon_has_no_endpoint():
    amazon = release(**{**S3, "storage-s3-regionendpoint": ""})
    fault = store_faults.find(amazon, "no answer within 5 s")
    assert fault.option == "storage-s3-region"
    assert fault.text.startswith("Amazon S3 in the region eu-west-1 does not answer (no answer within 5 s).")
