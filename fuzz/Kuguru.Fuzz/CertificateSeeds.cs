using Kuguru.Ike;
using Kuguru.Pki;

namespace Kuguru.Fuzz;

/// <summary>What a peer or a web server sends as a certificate, a CRL or an OCSP response: an authority, an end entity with every extension that is read, and both about it.</summary>
static class CertificateSeeds
{
    /// <summary>CN=Root, Ed25519.</summary>
    public static byte[] Authority { get; } = Convert.FromBase64String(
        "MIIBYzCCARWgAwIBAgIUC/pRPjlOqmBsmKQco2u6f+khfA8wBQYDK2VwMC0xCzAJBgNVBAYTAkNIMQ8wDQYDVQQKDAZLdWd1cnUxDTALBgNVBAMMBFJvb3QwIBcNMjYxMTI3MDY1MjEy"
        + "WhgPMjEyNjExMDMwNjUyMTJaMC0xCzAJBgNVBAYTAkNIMQ8wDQYDVQQKDAZLdWd1cnUxDTALBgNVBAMMBFJvb3QwKjAFBgMrZXADIQCmukO3cuethAU6TapSzjOUehnL7/T7L8dBuE5e"
        + "XW9fhKNFMEMwEgYDVR0TAQH/BAgwBgEB/wIBATAOBgNVHQ8BAf8EBAMCAQYwHQYDVR0OBBYEFHoh1f+HMBNh1Ce0+pwbWD8ECTXcMAUGAytlcANBAI5hTC4qP9zaKwHEb1S3EFtR3Gzx"
        + "JQbyO+pMQ2YscIrLpIXwH8PacPK3PlV3d4mEZrl3yy0fXmj63MygS0rlAQU=");

    /// <summary>CN=moon: a name of each kind, a policy, URIs of a CRL and of a responder.</summary>
    public static byte[] EndEntity { get; } = Convert.FromBase64String(
        "MIICLjCCAeCgAwIBAgIBTTAFBgMrZXAwLTELMAkGA1UEBhMCQ0gxDzANBgNVBAoMBkt1Z3VydTENMAsGA1UEAwwEUm9vdDAgFw0yNjExMjcwNjUyMTJaGA8yMTI2MTEwMzA2NTIxMlow"
        + "LTELMAkGA1UEBhMCQ0gxDzANBgNVBAoMBkt1Z3VydTENMAsGA1UEAwwEbW9vbjAqMAUGAytlcAMhABUJahmIRIwzN3DVxJKbiCH8GIESnQyuDt8L0+rqY85Ko4IBITCCAR0wRwYDVR0R"
        + "BEAwPoIQbW9vbi5leGFtcGxlLm9yZ4ERY2Fyb2xAZXhhbXBsZS5vcmeHBMAAAgGkETAPMQ0wCwYDVQQDDARtb29uMCgGA1UdHwQhMB8wHaAboBmGF2h0dHA6Ly8xOTIuMC4yLjkvY2Eu"
        + "Y3JsMDEGCCsGAQUFBwEBBCUwIzAhBggrBgEFBQcwAYYVaHR0cDovLzE5Mi4wLjIuOTo4ODgwMBYGA1UdIAQPMA0wCwYJKwYBBAGCoCoBMB0GA1UdJQQWMBQGCCsGAQUFBwMBBggrBgEF"
        + "BQcDAjAdBgNVHQ4EFgQUqQbKLv289MeN2JTK76DRvi/fkN0wHwYDVR0jBBgwFoAUeiHV/4cwE2HUJ7T6nBtYPwQJNdwwBQYDK2VwA0EAYeNoYwOvS7KwfCiqKSTP47iVWBQnsvFwOEpb"
        + "gBjnCKZ6ribRgFgzP6LaBwpT181hcc6fCNGvS8m2p/QJ6RX9AQ==");

    public static byte[] RevocationList { get; } = Convert.FromBase64String(
        "MIHaMIGNAgEBMAUGAytlcDAtMQswCQYDVQQGEwJDSDEPMA0GA1UECgwGS3VndXJ1MQ0wCwYDVQQDDARSb290Fw0yNjExMjcwNjUyMTJaGA8yMTI2MTEwMzA2NTIxMlowIjAgAgFNFw0y"
        + "NTA2MDEwMDAwMDBaMAwwCgYDVR0VBAMKAQGgDjAMMAoGA1UdFAQDAgEBMAUGAytlcANBAEc6Kuo0NgsUeYGJxyuqH2S4XZQwXOFEJHMmSLPoM+YWjZJ4l0wE6YMO+NKRakuaC4F9uucd"
        + "Pgp+id+rvr2Y5Ak=");

    /// <summary>A delta of one distribution point that takes an entry back, and names another delta.</summary>
    public static byte[] DeltaList { get; } = Convert.FromBase64String(
        "MIIBcDCCARcCAQEwCgYIKoZIzj0EAwIwLTELMAkGA1UEBhMCQ0gxDzANBgNVBAoTBkt1Z3VydTENMAsGA1UEAxMEUm9vdBcNMjUwNjAxMDAwMDAwWhcNNDAwMTAxMDAwMDAwWjAjMCEC"
        + "AhACFw0yNTA2MDEwMDAwMDBaMAwwCgYDVR0VBAMKAQiggZMwgZAwHwYDVR0jBBgwFoAULttI5phnpN1nFdDejHgCj7Dv2EUwCgYDVR0UBAMCAQcwDQYDVR0bAQH/BAMCAQUwJwYDVR0u"
        + "BCAwHjAcoBqgGIYWaHR0cDovLzE5Mi4wLjIuOS9kLmNybDApBgNVHRwBAf8EHzAdoBugGYYXaHR0cDovLzE5Mi4wLjIuOS9jYS5jcmwwCgYIKoZIzj0EAwIDRwAwRAIgY/MjymBmDtT5"
        + "XCw+Rlw6XJSnGDyEwk79t1F16XdDk9QCIFKsdG6ja8U+XFLpa2iSE2hDcyk3F/XEJhdNBnc9E1zY");

    public static byte[] OcspAnswer { get; } = Convert.FromBase64String(
        "MIH+CgEAoIH4MIH1BgkrBgEFBQcwAQEEgecwgeQwgYqhETAPMQ0wCwYDVQQDDARvY3NwGA8yMDI2MTEyNzA2NTIzM1owZDBiMDowCQYFKw4DAhoFAAQUE/vdxGhos4Uk3Y80INA8Xpwi"
        + "HTUEFHoh1f+HMBNh1Ce0+pwbWD8ECTXcAgFNgAAYDzIwMjYxMTI3MDY1MjMzWqARGA8yMTI2MTEwMzA2NTIzM1owCgYIKoZIzj0EAwIDSQAwRgIhANZZ1J7c1ww7kLUoTGfzwJt9zZUl"
        + "O7E98+iybKqi8XgjAiEAqU+i7QFpBKLfdRzQPovV7BZToBuNsvWbC7DjFpLDKu8=");

    static readonly DateTimeOffset Now = new(2027, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>A certificate as a peer's: names, policies, rules, the chain to the authority, and what is asked about its status.</summary>
    public static bool Certificate(byte[] bytes)
    {
        if (!Pki.Certificate.TryRead(bytes, out var certificate, out var why))
        {
            Oracle.True(why.Length > 0, "refused without a reason");
            return false;
        }
        Oracle.True(Pki.Certificate.TryRead(certificate.Der, out var again, out _), "does not read its own octets");
        Oracle.Same(certificate, again);
        Oracle.True(PeerNames.Of(certificate).All(name => name.ToString().Length >= 0 && PeerNames.Has(certificate, name)), "does not have its own name");
        Oracle.True(SignatureRules.TryParse("rsa-2048-ecdsa-256-ed25519-sha256-identity", rsaPss: false, out var rules, out _), "cannot be parsed");
        rules.WhyNotChain([certificate]);
        certificate.HasPolicy("1.3.6.1.4.1.36906.1");
        var authority = Read(Authority);
        var verdict = Trust.Judge(certificate, [certificate], [authority], [], Now);
        Oracle.True(verdict.IsTrusted || verdict.Why!.Length > 0, "refused without a reason");
        new Revocation().Judge([certificate, authority], RevocationPolicy.Strict, [], [], Now, mayWait: true);
        return true;
    }

    /// <summary>A CRL and an OCSP response, as fetched for the end entity.</summary>
    public static bool Status(byte[] bytes)
    {
        var (revocation, own, authority) = (new Revocation(), Read(EndEntity), Read(Authority));
        foreach (var request in revocation.Judge([own, authority], RevocationPolicy.Strict, [], [], Now, mayWait: true).Missing)
            revocation.Answer(request, bytes, "", Now);
        foreach (var request in revocation.Judge([own, authority], RevocationPolicy.Strict, [], [], Now, mayWait: true).Missing)
            revocation.Answer(request, bytes, "", Now);
        var verdict = revocation.Judge([own, authority], RevocationPolicy.Strict, [], [], Now, mayWait: false);
        if (Pki.RevocationList.TryRead(bytes, out var list, out _))
            revocation.Add(list);
        return verdict.Why is null || revocation.Lists.Any() || revocation.Answers.Any();
    }

    static Certificate Read(byte[] der) => Pki.Certificate.TryRead(der, out var certificate, out var why) ? certificate : throw new Contradiction(why);
}
