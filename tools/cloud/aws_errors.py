"""The errors of the AWS IoT control plane, under AWS's own names.

boto3 makes its typed exceptions of the code (`client.exceptions.ResourceNotFoundException`); `status` is the HTTP
status that the service model of botocore gives for it.
"""

from __future__ import annotations


class AwsError(Exception):
    """What AWS would answer instead of a result. `code` is AWS's name for it; the message is for a person."""

    code = "InternalFailureException"
    status = 500

    def __init__(self, message: str, **members: str):
        super().__init__(message)
        self.message = message
        self.members = members


class InvalidRequest(AwsError):
    code = "InvalidRequestException"
    status = 400


class MalformedPolicy(AwsError):
    code = "MalformedPolicyException"
    status = 400


class CertificateValidation(AwsError):
    code = "CertificateValidationException"
    status = 400


class ResourceNotFound(AwsError):
    code = "ResourceNotFoundException"
    status = 404


class MethodNotAllowed(AwsError):
    code = "MethodNotAllowedException"
    status = 405


class CertificateState(AwsError):
    code = "CertificateStateException"
    status = 406


class ResourceAlreadyExists(AwsError):
    """`resource_id` and `arn` are of what is there."""

    code = "ResourceAlreadyExistsException"
    status = 409

    def __init__(self, message: str, resource_id: str, arn: str):
        super().__init__(message, resourceId=resource_id, resourceArn=arn)


class Conflict(AwsError):
    code = "ConflictException"
    status = 409


class DeleteConflict(AwsError):
    code = "DeleteConflictException"
    status = 409


class VersionConflict(AwsError):
    """`state` is the job execution as it is, where that is what was to be changed."""

    code = "VersionConflictException"
    status = 409

    def __init__(self, message: str, state: dict | None = None):
        super().__init__(message)
        self.state = state


class InvalidStateTransition(AwsError):
    """`state` is the job execution as it is, where that is what was to be changed."""

    code = "InvalidStateTransitionException"
    status = 409

    def __init__(self, message: str, state: dict | None = None):
        super().__init__(message)
        self.state = state


class VersionsLimitExceeded(AwsError):
    code = "VersionsLimitExceededException"
    status = 409


class ResourceRegistrationFailure(AwsError):
    code = "ResourceRegistrationFailureException"
    status = 400


class TerminalState(AwsError):
    code = "TerminalStateException"
    status = 410


class RequestTooLarge(AwsError):
    code = "RequestEntityTooLargeException"
    status = 413


class UnsupportedEncoding(AwsError):
    code = "UnsupportedDocumentEncodingException"
    status = 415


class Throttling(AwsError):
    code = "ThrottlingException"
    status = 429


class NotImplementedHere(AwsError):
    """An operation that AWS has and the local AWS IoT has not. Some SDKs ask again after any 5xx: so it is none."""

    code = "NotImplementedException"
    status = 400
