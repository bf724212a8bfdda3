# What the server may do: no more than it uses. It cannot delete an anchor of the
# audit trail, end a retention or change the bucket's settings.

data "aws_iam_policy_document" "server" {
  statement {
    sid = "Objects"
    actions = [
      "s3:GetObject",
      "s3:GetObjectVersion",
      "s3:PutObject",
      "s3:PutObjectRetention",
      "s3:DeleteObject",
      "s3:DeleteObjectVersion",
      "s3:AbortMultipartUpload",
      "s3:ListMultipartUploadParts",
    ]
    resources = ["${aws_s3_bucket.files.arn}/${var.prefix}*"]
  }
  # The anchors of the audit trail are written once and never taken back.
  statement {
    sid       = "AnchorsStay"
    effect    = "Deny"
    actions   = ["s3:DeleteObject", "s3:DeleteObjectVersion"]
    resources = ["${aws_s3_bucket.files.arn}/${var.prefix}.audit/*"]
  }
  statement {
    sid = "Bucket"
    actions = [
      "s3:ListBucket",
      "s3:ListBucketVersions",
      "s3:ListBucketMultipartUploads",
      "s3:GetBucketCORS",
      "s3:GetBucketObjectLockConfiguration",
      "s3:GetLifecycleConfiguration",
    ]
    resources = [aws_s3_bucket.files.arn]
  }
  statement {
    sid       = "Key"
    actions   = ["kms:GenerateDataKey", "kms:Decrypt"]
    resources = [aws_kms_key.files.arn]
  }
}

resource "aws_iam_policy" "server" {
  name   = "${var.bucket}-server"
  policy = data.aws_iam_policy_document.server.json
}

# The role of the pods, by the cluster's OIDC provider (IRSA).
data "aws_iam_policy_document" "trust" {
  count = var.oidc_provider == "" ? 0 : 1
  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]
    principals {
      type        = "Federated"
      identifiers = ["arn:${data.aws_partition.this.partition}:iam::${data.aws_caller_identity.this.account_id}:oidc-provider/${var.oidc_provider}"]
    }
    condition {
      test     = "StringEquals"
      variable = "${var.oidc_provider}:sub"
      values   = ["system:serviceaccount:${var.service_account}"]
    }
    condition {
      test     = "StringEquals"
      variable = "${var.oidc_provider}:aud"
      values   = ["sts.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "server" {
  count              = var.oidc_provider == "" ? 0 : 1
  name               = "${var.bucket}-server"
  assume_role_policy = data.aws_iam_policy_document.trust[0].json
}

resource "aws_iam_role_policy_attachment" "server" {
  count      = var.oidc_provider == "" ? 0 : 1
  role       = aws_iam_role.server[0].name
  policy_arn = aws_iam_policy.server.arn
}
