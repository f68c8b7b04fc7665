"""Tasks that are calls of AWS services, or of anything that speaks their APIs: `arn:aws:states:::aws-sdk:…`, and the
optimised integrations such as `arn:aws:states:::sqs:sendMessage`.

boto3 knows the APIs (extra `aws`); these modules add what Step Functions makes of them: names and shapes of fields,
errors and their causes, jobs that are waited for.
"""
