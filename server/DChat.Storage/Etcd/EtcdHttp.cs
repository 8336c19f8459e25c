using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace DChat.Storage.Etcd;

/// <summary>The connections to etcd. When certificates are renewed in their files, new connections are made with the new ones.</summary>
internal sealed class EtcdHttp : IDisposable
{
    /// <summary>Answers are not read beyond this: entries come at most 32 at a time, and base64 makes them a third larger.</summary>
    private const int AnswerBytesMax = 32 * 1024 * 1024;

    /// <summary>The files are looked at so often, when something is asked.</summary>
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly EtcdUrl _url;
    private readonly TimeProvider _time;
    private readonly string[] _files;

    /// <summary>Those before the current one: a watch may last on them. Of their connections those that are not used close by themselves.</summary>
    private readonly List<HttpClient> _former = [];
    private HttpClient _current;
    private byte[]? _contents;
    private long _lookedAt;

    /// <exception cref="CryptographicException">A certificate cannot be used; or what reading a file ends by.</exception>
    public EtcdHttp(EtcdUrl url, TimeProvider time)
    {
        (_url, _time) = (url, time);
        _files = [.. new[] { url.AuthorityFile, url.CertificateFile, url.KeyFile }.OfType<string>()];
        _contents = Contents();
        _current = Make();
        _lookedAt = time.GetTimestamp();
    }

    public HttpClient Current
    {
        get
        {
            if (_files.Length == 0)
            {
                return _current;
            }

            lock (_lock)
            {
                if (_time.GetElapsedTime(_lookedAt) >= LookEvery)
                {
                    _lookedAt = _time.GetTimestamp();
                    Renew();
                }

                return _current;
            }
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _current.Dispose();
            _former.ForEach(former => former.Dispose());
        }
    }

    internal static SslClientAuthenticationOptions Tls(EtcdUrl url)
    {
        var tls = new SslClientAuthenticationOptions();
        if (url.CertificateFile is { } certificate)
        {
            using var read = X509Certificate2.CreateFromPemFile(certificate, url.KeyFile);
            var chain = new X509Certificate2Collection();
            chain.ImportFromPemFile(certificate);
            tls.ClientCertificateContext = SslStreamCertificateContext.Create(X509CertificateLoader.LoadPkcs12(read.Export(X509ContentType.Pkcs12), null), chain, offline: true);
        }

        if (url.AuthorityFile is { } file)
        {
            var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            policy.CustomTrustStore.ImportFromPemFile(file);
            tls.CertificateChainPolicy = policy;
        }

        return tls;
    }

    private void Renew()
    {
        try
        {
            var contents = Contents();
            if (!contents.AsSpan().SequenceEqual(_contents))
            {
                var next = Make();
                _former.Add(_current);
                (_current, _contents) = (next, contents);
            }
        }
        catch (Exception failure) when (failure is CryptographicException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            // They are being written: a certificate whose key is not there yet is none. What was read before stays until then.
        }
    }

    /// <summary>Not their times: a file may be a link, or in a folder that is one.</summary>
    private byte[] Contents()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var file in _files)
        {
            hash.AppendData(SHA256.HashData(File.ReadAllBytes(file)));
        }

        return hash.GetHashAndReset();
    }

    private HttpClient Make() => new(new SocketsHttpHandler
    {
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        ConnectTimeout = EtcdClient.TryLimit,
        PooledConnectionIdleTimeout = TimeSpan.FromMinutes(1),
        SslOptions = Tls(_url),
    })
    {
        Timeout = Timeout.InfiniteTimeSpan, // Each try has its own; watches have none.
        MaxResponseContentBufferSize = AnswerBytesMax,
    };
}
