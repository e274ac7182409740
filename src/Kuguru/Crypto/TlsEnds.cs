using System.Collections.Immutable;
using System.Security.Cryptography;
using Org.BouncyCastle.Asn1.X509;
using Org.BouncyCastle.Tls;
using Org.BouncyCastle.Tls.Crypto;
using Org.BouncyCastle.Tls.Crypto.Impl.BC;

namespace Kuguru.Crypto;

/// <summary>How far an end has come, and what comes of it: what <see cref="TlsEngine"/> asks of the end that it drives.</summary>
sealed class TlsProgress
{
    ImmutableArray<Secret> _keys = [];

    public bool IsVersion13 { get; set; }

    /// <summary>The handshake is done, and the keys are there to be taken.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>Why the other end was refused, or we cannot prove ourselves.</summary>
    public string? WhyNot { get; private set; }

    public ImmutableArray<Secret> TakeKeys()
    {
        var keys = _keys;
        _keys = [];
        return keys;
    }

    public void Complete(TlsContext context, TlsSetup setup) =>
        (_keys, IsComplete) = ([.. setup.Exports.Select(export => TlsTerms.Export(context, export))], true);

    /// <exception cref="TlsFatalAlert">The other end is not who it should be.</exception>
    public void Judge(TlsSetup setup, Certificate? chain)
    {
        var why = chain is null || chain.IsEmpty ? "the other end has no certificate"
            : setup.Judge([.. chain.GetCertificateList().Select(one => new Blob(one.GetEncoded()))]);
        if (why is not null)
            throw Refuse(why, AlertDescription.bad_certificate);
    }

    public TlsFatalAlert Refuse(string why, short alert)
    {
        WhyNot = why;
        return new TlsFatalAlert(alert);
    }
}

/// <summary>What both ends have in common: what they offer, prove and export.</summary>
static class TlsTerms
{
    static readonly ImmutableArray<(int Number, string Name)> Suites13 =
    [
        (CipherSuite.TLS_AES_256_GCM_SHA384, nameof(CipherSuite.TLS_AES_256_GCM_SHA384)),
        (CipherSuite.TLS_AES_128_GCM_SHA256, nameof(CipherSuite.TLS_AES_128_GCM_SHA256)),
        (CipherSuite.TLS_CHACHA20_POLY1305_SHA256, nameof(CipherSuite.TLS_CHACHA20_POLY1305_SHA256)),
    ];

    static readonly ImmutableArray<(int Number, string Name)> SuitesEcdsa =
    [
        (CipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, nameof(CipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384)),
        (CipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, nameof(CipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256)),
        (CipherSuite.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, nameof(CipherSuite.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256)),
    ];

    static readonly ImmutableArray<(int Number, string Name)> SuitesRsa =
    [
        (CipherSuite.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, nameof(CipherSuite.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384)),
        (CipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, nameof(CipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256)),
        (CipherSuite.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, nameof(CipherSuite.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256)),
        (CipherSuite.TLS_DHE_RSA_WITH_AES_256_GCM_SHA384, nameof(CipherSuite.TLS_DHE_RSA_WITH_AES_256_GCM_SHA384)),
        (CipherSuite.TLS_DHE_RSA_WITH_AES_128_GCM_SHA256, nameof(CipherSuite.TLS_DHE_RSA_WITH_AES_128_GCM_SHA256)),
    ];

    public static IEnumerable<string> SuiteNames => Suites13.Concat(SuitesEcdsa).Concat(SuitesRsa).Select(suite => suite.Name);

    public static ProtocolVersion[] Versions(TlsLimits limits) =>
        [.. limits.HasVersion13 ? (ProtocolVersion[])[ProtocolVersion.TLSv13] : [], .. limits.HasVersion12 ? (ProtocolVersion[])[ProtocolVersion.TLSv12] : []];

    /// <summary>A server has those of its key, a client those of any.</summary>
    public static int[] Suites(TlsLimits limits, TlsIdentity? server)
    {
        var all = server is null ? Suites13.Concat(SuitesEcdsa).Concat(SuitesRsa)
            : Suites13.Concat(server.Schemes.Any(TlsIdentity.RsaSchemes.Contains) ? SuitesRsa : SuitesEcdsa);
        return [.. all.Where(suite => limits.Suites.IsEmpty || limits.Suites.Contains(suite.Name)).Select(suite => suite.Number)];
    }

    /// <summary>Our certificate and what signs with it, by the first scheme that the other end takes; null when there is none.</summary>
    public static TlsCredentialedSigner? Prove(
        TlsContext context, TlsIdentity own, IEnumerable<SignatureAndHashAlgorithm>? accepted, byte[] requestContext)
    {
        var isVersion13 = TlsUtilities.IsTlsV13(context);
        var theirs = (accepted ?? []).Select(SignatureScheme.From).ToHashSet();
        var scheme = own.Schemes.FirstOrDefault(one => theirs.Contains(one) && !(isVersion13 && IsPkcs1(one)));
        if (scheme == 0)
            return null;
        var chain = own.Chain.Select(certificate => context.Crypto.CreateCertificate(certificate.ToArray())).ToArray();
        var certificate = isVersion13
            ? new Certificate(requestContext, [.. chain.Select(one => new CertificateEntry(one, null))])
            : new Certificate(chain);
        return new DefaultTlsCredentialedSigner(
            new TlsCryptoParameters(context), new Signer(own, scheme), certificate, SignatureScheme.GetSignatureAndHashAlgorithm(scheme));
    }

    /// <summary>The exporter of TLS 1.3; of 1.2 the PRF itself, since many peers lack the extension without which BouncyCastle exports nothing.</summary>
    public static Secret Export(TlsContext context, TlsExport export)
    {
        byte[] keys;
        if (TlsUtilities.IsTlsV13(context))
        {
            keys = context.ExportKeyingMaterial(export.Label13, export.Context13.ToArray(), export.Length);
        }
        else
        {
            var parameters = context.SecurityParameters;
            byte[] randoms = [.. parameters.ClientRandom, .. parameters.ServerRandom];
            keys = TlsUtilities.Prf(parameters, parameters.MasterSecret, export.Label12, randoms, export.Length).Extract();
        }
        var secret = Secret.Copy(keys);
        CryptographicOperations.ZeroMemory(keys);
        return secret;
    }

    static bool IsPkcs1(int scheme) => SignatureScheme.GetSignatureAlgorithm(scheme) == SignatureAlgorithm.rsa;

    sealed class Signer(TlsIdentity own, int scheme) : TlsSigner
    {
        public byte[] GenerateRawSignature(SignatureAndHashAlgorithm algorithm, byte[] hash) =>
            throw new InvalidOperationException("the key signs data, not hashes");

        public TlsStreamSigner GetStreamSigner(SignatureAndHashAlgorithm algorithm) => new StreamSigner(own, scheme);
    }

    sealed class StreamSigner(TlsIdentity own, int scheme) : TlsStreamSigner
    {
        public Stream Stream { get; } = new MemoryStream();
        public byte[] GetSignature() => own.Sign(scheme, ((MemoryStream)Stream).ToArray());
    }
}

/// <summary>
/// Reads a CERTIFICATE_REQUEST of TLS 1.3 without the list of authorities: we have one certificate to give, and strongSwan sends an empty list, which is
/// malformed, where it has no RSA authority.
/// </summary>
sealed class TlsClientSide : TlsClientProtocol
{
    protected override void Receive13CertificateRequest(MemoryStream buf, bool postHandshakeAuth)
    {
        var context = TlsUtilities.ReadOpaque8(buf);
        var extensions = new MemoryStream(TlsUtilities.ReadOpaque16(buf));
        if (buf.Position != buf.Length)
            throw new TlsFatalAlert(AlertDescription.decode_error);
        var kept = new MemoryStream();
        while (extensions.Position < extensions.Length)
        {
            var (type, data) = (TlsUtilities.ReadUint16(extensions), TlsUtilities.ReadOpaque16(extensions));
            if (type == ExtensionType.certificate_authorities)
                continue;
            TlsUtilities.WriteUint16(type, kept);
            TlsUtilities.WriteOpaque16(data, kept);
        }
        var request = new MemoryStream();
        TlsUtilities.WriteOpaque8(context, request);
        TlsUtilities.WriteOpaque16(kept.ToArray(), request);
        request.Position = 0;
        base.Receive13CertificateRequest(request, postHandshakeAuth);
    }
}

/// <summary>The end that says hello first.</summary>
sealed class TlsClientEnd(TlsSetup setup, BcTlsCrypto crypto) : DefaultTlsClient(crypto), TlsAuthentication
{
    public TlsProgress Progress { get; } = new();

    /// <summary>Peers that know no renegotiation say nothing of it; here there is none anyway.</summary>
    public override void NotifySecureRenegotiation(bool secureRenegotiation) { }

    public override int GetMaxHandshakeMessageSize() => TlsEngine.MaxHandshakeMessage;
    public override int GetMaxCertificateChainLength() => TlsEngine.MaxChain;
    public override TlsAuthentication GetAuthentication() => this;
    protected override ProtocolVersion[] GetSupportedVersions() => TlsTerms.Versions(setup.Limits);
    protected override int[] GetSupportedCipherSuites() => TlsTerms.Suites(setup.Limits, null);

    /// <summary>No name of a host: whom we expect stands in the certificate, and is no host's.</summary>
    protected override IList<ServerName>? GetSniServerNames() => null;

    /// <summary>OCSP answers are not asked for here: revocation is what <see cref="TlsSetup.Judge"/> looks after.</summary>
    protected override CertificateStatusRequest? GetCertificateStatusRequest() => null;

    public override void NotifyServerVersion(ProtocolVersion serverVersion)
    {
        base.NotifyServerVersion(serverVersion);
        Progress.IsVersion13 = TlsUtilities.IsTlsV13(serverVersion);
    }

    public void NotifyServerCertificate(TlsServerCertificate serverCertificate) => Progress.Judge(setup, serverCertificate.Certificate);

    public TlsCredentials? GetClientCredentials(CertificateRequest certificateRequest) => setup.Own is { } own
        ? TlsTerms.Prove(m_context, own, certificateRequest.SupportedSignatureAlgorithms, certificateRequest.GetCertificateRequestContext())
        : null;

    public override void NotifyHandshakeComplete()
    {
        base.NotifyHandshakeComplete();
        Progress.Complete(m_context, setup);
    }
}

/// <summary>The end that is said hello to, and asks for a certificate.</summary>
sealed class TlsServerEnd(TlsSetup setup, BcTlsCrypto crypto) : DefaultTlsServer(crypto)
{
    public TlsProgress Progress { get; } = new();

    /// <inheritdoc cref="TlsClientEnd.NotifySecureRenegotiation"/>
    public override void NotifySecureRenegotiation(bool secureRenegotiation) { }

    public override int GetMaxHandshakeMessageSize() => TlsEngine.MaxHandshakeMessage;
    public override int GetMaxCertificateChainLength() => TlsEngine.MaxChain;
    protected override ProtocolVersion[] GetSupportedVersions() => TlsTerms.Versions(setup.Limits);
    protected override int[] GetSupportedCipherSuites() => TlsTerms.Suites(setup.Limits, setup.Own);

    public override ProtocolVersion GetServerVersion()
    {
        var version = base.GetServerVersion();
        Progress.IsVersion13 = TlsUtilities.IsTlsV13(version);
        return version;
    }

    public override TlsCredentials GetCredentials() =>
        setup.Own is { } own && TlsTerms.Prove(m_context, own, m_context.SecurityParameters.ClientSigAlgs, []) is { } signer ? signer
            : throw Progress.Refuse(setup.Own is null ? "we have no certificate for TLS" : "the other end takes no signature that our key can make", AlertDescription.handshake_failure);

    public override CertificateRequest GetCertificateRequest()
    {
        var algorithms = TlsUtilities.GetDefaultSupportedSignatureAlgorithms(m_context);
        List<X509Name> authorities = [.. setup.Authorities.Select(name => X509Name.GetInstance(name.ToArray()))];
        return TlsUtilities.IsTlsV13(m_context)
            ? new CertificateRequest([], algorithms, null, authorities.Count == 0 ? null : authorities)
            : new CertificateRequest([ClientCertificateType.ecdsa_sign, ClientCertificateType.rsa_sign], algorithms, authorities);
    }

    public override void NotifyClientCertificate(Certificate clientCertificate) => Progress.Judge(setup, clientCertificate);

    public override void NotifyHandshakeComplete()
    {
        base.NotifyHandshakeComplete();
        Progress.Complete(m_context, setup);
    }
}
