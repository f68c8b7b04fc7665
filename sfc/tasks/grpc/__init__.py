"""Tasks that are calls of gRPC methods: `grpc://host:port/package.Service/Method`, `grpcs://` over TLS.

Nothing is generated: what a method takes and gives is learned from the server's reflection, or from a descriptor set
that a task meta carries. JSON and messages translate by protobuf's own mapping. Needs the extra `grpc`.
"""
