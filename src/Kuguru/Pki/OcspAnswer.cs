using System.Diagnostics.CodeAnalysis;
using Org.BouncyCastle.Math;
using Org.BouncyCastle.Ocsp;
using Org.BouncyCastle.Security;
using Org.BouncyCastle.X509;

namespace Kuguru.Pki;

/// <summary>An OCSP response (RFC 6960). Requests have no nonce, so that responses can be kept as long as they say (RFC 5019).</summary>
public sealed class OcspAnswer
{
    /// <summary>The extended key usage of who signs responses in the place of an authority.</summary>
    public const string SigningPurpose = "1.3.6.1.5.5.7.3.9";

    /// <summary>How far clocks may be apart.</summary>
    static readonly TimeSpan _skew = TimeSpan.FromMinutes(5);

    readonly BasicOcspResp _response;

    OcspAnswer(BasicOcspResp response, Blob der)
    {
        (_response, Der) = (response, der);
        NextUpdate = response.Responses.Select(one => one.NextUpdate).FirstOrDefault(next => next is not null) is { } next ? Utc(next) : null;
    }

    public Blob Der { get; }

    /// <summary>Null is: there will always be something newer.</summary>
    public DateTimeOffset? NextUpdate { get; }

    /// <summary>The DER request for one certificate.</summary>
    public static Blob Ask(Certificate certificate, Certificate issuer)
    {
        var generator = new OcspReqGenerator();
        generator.AddRequest(Id(certificate, issuer));
        return generator.Generate().GetEncoded();
    }

    public static bool TryRead(Blob bytes, [NotNullWhen(true)] out OcspAnswer? answer, out string why)
    {
        (answer, why) = (null, "not an OCSP response");
        try
        {
            var response = new OcspResp(bytes.ToArray());
            if (response.Status != OcspRespStatus.Successful)
            {
                why = $"the OCSP responder refuses to answer (status {response.Status})";
                return false;
            }
            if (response.GetResponseObject() is not BasicOcspResp basic || basic.Responses.Length == 0)
                return false;
            answer = new(basic, bytes);
            return true;
        }
        catch (Exception e) when (Unreadable.Is(e))
        {
            return false;
        }
    }

    /// <summary>True is good, false revoked, null neither, with the reason.</summary>
    public bool? StatusOf(Certificate certificate, Certificate issuer, IReadOnlyList<Certificate> signers, DateTimeOffset at, out string why)
    {
        try
        {
            var id = Id(certificate, issuer);
            why = "it is about other certificates";
            if (_response.Responses.FirstOrDefault(one => one.GetCertID().SerialNumber.Equals(id.SerialNumber) && one.GetCertID().MatchesIssuer(Native(issuer))) is not { } about)
                return null;
            why = "it is not signed by the authority or by whom that has named";
            if (!IsSigned(issuer, signers, at))
                return null;
            why = $"it is out of date since {about.NextUpdate:u}";
            if (about.NextUpdate is { } next && Utc(next) + _skew < at)
                return null;
            why = $"it is of the future: {about.ThisUpdate:u}";
            if (Utc(about.ThisUpdate) - _skew > at)
                return null;
            (var status, why) = about.GetCertStatus() switch
            {
                null => ((bool?)true, ""),
                RevokedStatus revoked => (false, $"since {revoked.RevocationTime:u}"),
                _ => (null, "it does not know the certificate"),
            };
            return status;
        }
        catch (Exception e) when (Unreadable.Is(e))
        {
            why = "it cannot be read";
            return null;
        }
    }

    /// <summary>By the authority itself, by one whom it has given the purpose OCSPSigning, or by one whom we trust.</summary>
    bool IsSigned(Certificate issuer, IReadOnlyList<Certificate> signers, DateTimeOffset at)
    {
        if (_response.Verify(Native(issuer).GetPublicKey()) || signers.Any(signer => _response.Verify(Native(signer).GetPublicKey())))
            return true;
        foreach (var signer in _response.GetCerts().Take(4))
        {
            if (signer.GetExtendedKeyUsage()?.Any(purpose => purpose.Id == SigningPurpose) == true && signer.IsValid(at.UtcDateTime)
                && signer.IssuerDN.Equivalent(Native(issuer).SubjectDN) && IsSignedBy(signer, issuer) && _response.Verify(signer.GetPublicKey()))
                return true;
        }
        return false;
    }

    static bool IsSignedBy(X509Certificate certificate, Certificate issuer)
    {
        try
        {
            certificate.Verify(Native(issuer).GetPublicKey());
            return true;
        }
        catch (GeneralSecurityException)
        {
            return false;
        }
    }

    static CertificateID Id(Certificate certificate, Certificate issuer) =>
        new(CertificateID.DigestSha1, Native(issuer), new BigInteger(1, certificate.Native.SerialNumberBytes.ToArray()));

    static X509Certificate Native(Certificate certificate) => new(certificate.Der.ToArray());

    static DateTimeOffset Utc(DateTime time) => new(DateTime.SpecifyKind(time, DateTimeKind.Utc));
}
