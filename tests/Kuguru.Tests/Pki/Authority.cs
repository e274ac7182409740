using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Kuguru.Pki;
using Org.BouncyCastle.Crypto.Operators;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Crypto.Signers;
using Org.BouncyCastle.Ocsp;
using Org.BouncyCastle.Security;
using NativeKey = System.Security.Cryptography.X509Certificates.PublicKey;

namespace Kuguru.Tests.Pki;

/// <summary>A key pair of any kind that certificates are made for and signed with.</summary>
public sealed class KeyPair
{
    KeyPair(byte[] pkcs8, NativeKey key, X509SignatureGenerator generator) => (Pkcs8, Key, Generator) = (pkcs8, key, generator);

    public byte[] Pkcs8 { get; }
    public NativeKey Key { get; }
    public X509SignatureGenerator Generator { get; }
    public string Pem => PemEncoding.WriteString("PRIVATE KEY", Pkcs8);
    public string PublicPem => PemEncoding.WriteString("PUBLIC KEY", Key.ExportSubjectPublicKeyInfo());

    public PrivateKey Private => PrivateKey.TryRead(Pkcs8, out var key, out var why) ? key : throw new InvalidOperationException(why);

    /// <summary>"rsa2048", "ecdsa256", "ed25519" and their like.</summary>
    public static KeyPair Make(string kind)
    {
        if (kind == "ed25519")
            return Ed25519();
        if (kind.StartsWith("rsa", StringComparison.Ordinal))
        {
            var rsa = RSA.Create(int.Parse(kind[3..], System.Globalization.CultureInfo.InvariantCulture));
            return new(rsa.ExportPkcs8PrivateKey(), new(rsa), X509SignatureGenerator.CreateForRSA(rsa, RSASignaturePadding.Pkcs1));
        }
        var ecdsa = ECDsa.Create(kind switch { "ecdsa256" => ECCurve.NamedCurves.nistP256, "ecdsa384" => ECCurve.NamedCurves.nistP384, _ => ECCurve.NamedCurves.nistP521 });
        return new(ecdsa.ExportPkcs8PrivateKey(), new(ecdsa), X509SignatureGenerator.CreateForECDsa(ecdsa));
    }

    static KeyPair Ed25519()
    {
        var seed = RandomNumberGenerator.GetBytes(32);
        var oid = new Oid("1.3.101.112");
        var key = new NativeKey(oid, null!, new AsnEncodedData(oid, new Ed25519PrivateKeyParameters(seed).GeneratePublicKey().GetEncoded()));
        return new([.. Convert.FromHexString("302e020100300506032b657004220420"), .. seed], key, new Ed25519Generator(seed, key));
    }

    sealed class Ed25519Generator(byte[] seed, NativeKey key) : X509SignatureGenerator
    {
        protected override NativeKey BuildPublicKey() => key;
        public override byte[] GetSignatureAlgorithmIdentifier(HashAlgorithmName hashAlgorithm) => Convert.FromHexString("300506032b6570");

        public override byte[] SignData(byte[] data, HashAlgorithmName hashAlgorithm)
        {
            var signer = new Ed25519Signer();
            signer.Init(forSigning: true, new Ed25519PrivateKeyParameters(seed));
            signer.BlockUpdate(data);
            return signer.GenerateSignature();
        }
    }
}

/// <summary>A certificate and its key.</summary>
public sealed record Issued(X509Certificate2 Native, KeyPair Keys)
{
    public HashAlgorithmName Hash { get; init; } = HashAlgorithmName.SHA256;
    public string Pem => Native.ExportCertificatePem();
    public Certificate Certificate => Certificate.TryRead(Native.RawData, out var certificate, out var why) ? certificate : throw new InvalidOperationException(why);
}

/// <summary>What is special about a certificate.</summary>
public sealed record Wish
{
    public string Keys { get; init; } = "ecdsa256";
    public string[] Names { get; init; } = [];

    /// <summary>A subjectAltName in place of the names.</summary>
    public X509Extension? AltNames { get; init; }

    /// <summary>In place of the SHA-1 of the key.</summary>
    public byte[]? KeyId { get; init; }

    public DateTimeOffset From { get; init; } = new(2025, 1, 1, 0, 0, 0, TimeSpan.Zero);
    public DateTimeOffset To { get; init; } = new(2040, 1, 1, 0, 0, 0, TimeSpan.Zero);
    public bool IsAuthority { get; init; }
    public int? PathLength { get; init; }

    /// <summary>Of an authority, what it may do.</summary>
    public X509KeyUsageFlags Usage { get; init; } = X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign;
    public HashAlgorithmName Hash { get; init; } = HashAlgorithmName.SHA256;
    public X509Extension[] Extensions { get; init; } = [];
}

/// <summary>A certification authority for tests, made with the BCL.</summary>
public sealed class Authority
{
    static long s_serial = 4096;

    Authority(Issued own) => Own = own;

    public Issued Own { get; }
    public Certificate Certificate => Own.Certificate;

    public static Authority Root(string name = "Kuguru Root CA", string keys = "ecdsa256") => new(Make($"C=CH, O=Kuguru, CN={name}", new() { Keys = keys, IsAuthority = true }, null));

    public Authority Below(string name, Wish? wish = null) => new(Make($"C=CH, O=Kuguru, CN={name}", (wish ?? new()) with { IsAuthority = true }, this));

    /// <summary>An end entity with the subject C=CH, O=Kuguru, CN=name, whose subjectAltName is the name (an address, mail address or domain name) if the wish has no others.</summary>
    public Issued Issue(string name, Wish? wish = null) => Make($"C=CH, O=Kuguru, CN={name}", (wish ?? new()) is { Names: [], AltNames: null } plain ? plain with { Names = [name] } : wish!, this);

    public Issued Issue(string name, string keys) => Issue(name, new Wish { Keys = keys });

    /// <summary>A CRL with these in it.</summary>
    public byte[] Crl(DateTimeOffset nextUpdate, params Issued[] revoked)
    {
        var builder = new CertificateRevocationListBuilder();
        foreach (var one in revoked)
            builder.AddEntry(one.Native, new DateTimeOffset(2025, 6, 1, 0, 0, 0, TimeSpan.Zero));
        return builder.Build(Own.Native.SubjectName, Own.Keys.Generator, Interlocked.Increment(ref s_serial), nextUpdate, Own.Hash, AuthorityKey(),
            new DateTimeOffset(2025, 6, 1, 0, 0, 0, TimeSpan.Zero));
    }

    X509AuthorityKeyIdentifierExtension AuthorityKey() =>
        X509AuthorityKeyIdentifierExtension.CreateFromSubjectKeyIdentifier(Own.Native.Extensions.OfType<X509SubjectKeyIdentifierExtension>().Single());

    /// <summary>An OCSP response about a certificate of this authority: null is unknown, else good or revoked.</summary>
    public byte[] Ocsp(Issued about, bool? isGood, DateTimeOffset at, DateTimeOffset nextUpdate, Issued? signer = null)
    {
        var by = signer ?? Own;
        var issuer = new Org.BouncyCastle.X509.X509Certificate(Own.Native.RawData);
        var key = PrivateKeyFactory.CreateKey(by.Keys.Pkcs8);
        var serial = new Org.BouncyCastle.Math.BigInteger(1, about.Native.SerialNumberBytes.ToArray());
        var generator = new BasicOcspRespGenerator(new Org.BouncyCastle.X509.X509Certificate(by.Native.RawData).GetPublicKey());
        CertificateStatus? status = isGood switch { true => CertificateStatus.Good, false => new RevokedStatus(new DateTime(2025, 6, 1, 0, 0, 0, DateTimeKind.Utc), 1), null => new UnknownStatus() };
        generator.AddResponse(new CertificateID(CertificateID.DigestSha1, issuer, serial), status, at.UtcDateTime, nextUpdate.UtcDateTime, null);
        var signature = new Asn1SignatureFactory("SHA256WITHECDSA", key);
        var basic = generator.Generate(signature, signer is null ? null : [new Org.BouncyCastle.X509.X509Certificate(signer.Native.RawData)], at.UtcDateTime);
        return new OCSPRespGenerator().Generate(OcspRespStatus.Successful, basic).GetEncoded();
    }

    /// <summary>Extensions that say where a CRL and an OCSP responder are.</summary>
    public static X509Extension[] Uris(string? crl, string? ocsp) =>
    [
        .. crl is null ? [] : (X509Extension[])[CertificateRevocationListBuilder.BuildCrlDistributionPointExtension([crl])],
        .. ocsp is null ? [] : (X509Extension[])[new X509AuthorityInformationAccessExtension([ocsp], null)],
    ];

    static Issued Make(string subject, Wish wish, Authority? issuer)
    {
        var keys = KeyPair.Make(wish.Keys);
        // The BCL writes RDNs in reverse order of the text.
        var request = new CertificateRequest(new X500DistinguishedName(string.Join(", ", subject.Split(", ").Reverse())), keys.Key, wish.Hash);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(wish.IsAuthority, wish.PathLength is not null, wish.PathLength ?? 0, wish.IsAuthority));
        request.CertificateExtensions.Add(wish.KeyId is { } id ? new X509SubjectKeyIdentifierExtension(id, critical: false) : new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        if (wish.IsAuthority)
            request.CertificateExtensions.Add(new X509KeyUsageExtension(wish.Usage, critical: true));
        if (wish.AltNames is { } names)
            request.CertificateExtensions.Add(names);
        else if (wish.Names.Length > 0)
            request.CertificateExtensions.Add(AltNames(wish.Names));
        foreach (var extension in wish.Extensions)
            request.CertificateExtensions.Add(extension);
        var signer = issuer?.Own ?? new Issued(null!, keys);
        var serial = BitConverter.GetBytes(Interlocked.Increment(ref s_serial)).Reverse().SkipWhile(octet => octet == 0).ToArray();
        var native = request.Create(issuer?.Own.Native.SubjectName ?? request.SubjectName, signer.Keys.Generator, wish.From, wish.To, serial);
        return new(native, keys);
    }

    static X509Extension AltNames(string[] names)
    {
        var builder = new SubjectAlternativeNameBuilder();
        foreach (var name in names)
        {
            if (IPAddress.TryParse(name, out var address))
                builder.AddIpAddress(address);
            else if (name.Contains('@'))
                builder.AddEmailAddress(name);
            else
                builder.AddDnsName(name);
        }
        return builder.Build();
    }
}
