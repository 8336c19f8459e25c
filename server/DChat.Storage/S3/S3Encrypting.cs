using Amazon.S3;

namespace DChat.Storage.S3;

/// <summary>What a request that stores something says of encryption.</summary>
internal static class S3Encrypting
{
    public static ServerSideEncryptionMethod? Method(S3Url url) => url.Encryption switch
    {
        S3Encryption.Aes256 => ServerSideEncryptionMethod.AES256,
        S3Encryption.Kms => ServerSideEncryptionMethod.AWSKMS,
        _ => null,
    };
}
