using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Kuguru.Pki;

/// <summary>A certificate and those above it, the end entity first and the trusted authority last; or why there is no such chain.</summary>
/// <param name="Chain">Empty when there is none.</param>
/// <param name="Why">Null when all is well.</param>
public readonly record struct ChainVerdict(ImmutableArray<Certificate> Chain, string? Why)
{
    public bool IsTrusted => Why is null;

    /// <summary>All that is wrong is that nobody above is trusted.</summary>
    public bool LacksAnchor { get; init; }
}

/// <summary>
/// Path validation (RFC 5280 section 6) by the platform's code, with our own authorities and our own idea of the time, and nothing fetched. The platform tries
/// one path. Where an authority has several certificates (a new key, a new date, another authority above), the others are tried too.
/// </summary>
public static class Trust
{
    /// <summary>Paths that are tried for one certificate: who sends many certificates of one name gets no more.</summary>
    const int MaxPaths = 12;

    /// <summary>Certificates of one chain at most, ends included.</summary>
    public const int MaxLength = 9;

    const string AnyPolicy = "2.5.29.32.0";

    /// <param name="leaf">The end entity.</param>
    /// <param name="others">What may lie between: sent by the peer, or known.</param>
    /// <param name="authorities">Where a chain may end.</param>
    /// <param name="policies">OIDs that have to be among the policies of the whole chain.</param>
    /// <param name="at">The time it is now.</param>
    public static ChainVerdict Judge(
        Certificate leaf, IEnumerable<Certificate> others, IEnumerable<Certificate> authorities, IEnumerable<string> policies, DateTimeOffset at)
    {
        var (between, anchors, wanted) = (others.ToList(), authorities.ToList(), policies.ToList());
        var first = Judge(leaf, between, anchors, wanted, at, out var path);
        var verdict = first;
        for (var tries = 1; !verdict.IsTrusted && tries < MaxPaths && TurnOff(path, between, anchors); tries++)
            verdict = Judge(leaf, between, anchors, wanted, at, out path);
        return verdict.IsTrusted ? verdict : first;
    }

    /// <summary>Takes the uppermost certificate of a path that has led nowhere out, where there is another one of the same name.</summary>
    static bool TurnOff(List<Blob> path, List<Certificate> between, List<Certificate> anchors)
    {
        foreach (var der in Enumerable.Reverse(path).SkipLast(1))
        {
            if (between.Concat(anchors).FirstOrDefault(one => one.Der == der) is not { } tried || !between.Concat(anchors).Any(other => other.Subject == tried.Subject && other.Der != der))
                continue;
            between.RemoveAll(tried.Equals);
            anchors.RemoveAll(tried.Equals);
            return true;
        }
        return false;
    }

    /// <summary>Of one path, which is told as far as it went.</summary>
    static ChainVerdict Judge(Certificate leaf, List<Certificate> others, List<Certificate> authorities, List<string> wanted, DateTimeOffset at, out List<Blob> path)
    {
        path = [];
        using var chain = new X509Chain();
        var policy = chain.ChainPolicy;
        policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        policy.RevocationMode = X509RevocationMode.NoCheck;
        policy.DisableCertificateDownloads = true;
        policy.VerificationTime = at.UtcDateTime;
        policy.VerificationTimeIgnored = false;
        foreach (var oid in wanted)
            policy.CertificatePolicy.Add(new Oid(oid));
        foreach (var authority in authorities)
            policy.CustomTrustStore.Add(authority.Native);
        foreach (var other in others)
            policy.ExtraStore.Add(other.Native);
        bool built;
        try
        {
            built = chain.Build(leaf.Native);
        }
        catch (CryptographicException e)
        {
            return new([], $"no chain can be built: {e.Message}");
        }
        var elements = chain.ChainElements.ToList();
        path = [.. elements.Select(element => Blob.Copy(element.Certificate.RawData))];
        if (!built)
        {
            const X509ChainStatusFlags Unanchored = X509ChainStatusFlags.PartialChain | X509ChainStatusFlags.UntrustedRoot;
            return new([], WhyNotPolicy(elements, wanted, chain.ChainStatus) ?? Explain(elements, chain.ChainStatus)) { LacksAnchor = chain.ChainStatus.All(one => (one.Status & ~Unanchored) == 0) };
        }
        if (elements.Count > MaxLength)
            return new([], $"its chain has {elements.Count} certificates, of which at most {MaxLength} are taken");
        var result = ImmutableArray.CreateBuilder<Certificate>(elements.Count);
        foreach (var element in elements)
        {
            if (!Certificate.TryRead(element.Certificate.RawData, out var certificate, out var why))
                return new([], $"'{element.Certificate.Subject}' in its chain: {why}");
            result.Add(certificate);
        }
        return new(result.MoveToImmutable(), null);
    }

    /// <summary>The platform says of a policy that is missing what it says of a wrong key usage.</summary>
    static string? WhyNotPolicy(List<X509ChainElement> elements, List<string> policies, X509ChainStatus[] status)
    {
        if (status.Any(one => one.Status != X509ChainStatusFlags.NotValidForUsage))
            return null;
        foreach (var element in elements.SkipLast(1))
        {
            if (Certificate.TryRead(element.Certificate.RawData, out var certificate, out _)
                && policies.Find(policy => !certificate.HasPolicy(policy) && !certificate.HasPolicy(AnyPolicy)) is { } missing)
                return $"certificate '{certificate.SubjectText}' does not have the policy {missing}, which 'cert_policy' wants of the whole chain";
        }
        return null;
    }

    /// <summary>The first thing that is wrong, seen from the end entity.</summary>
    static string Explain(List<X509ChainElement> elements, X509ChainStatus[] status)
    {
        foreach (var element in elements)
        {
            foreach (var one in element.ChainElementStatus)
            {
                if (Words(one.Status, element.Certificate) is { } words)
                    return words;
            }
        }
        return status.Length > 0 ? status[0].StatusInformation : "no chain can be built";
    }

    static string? Words(X509ChainStatusFlags flag, X509Certificate2 certificate)
    {
        var subject = DistinguishedName.Print(certificate.SubjectName.RawData);
        return flag switch
        {
            X509ChainStatusFlags.NotTimeValid =>
                $"certificate '{subject}' is not valid now: it is from {certificate.NotBefore.ToUniversalTime():u} to {certificate.NotAfter.ToUniversalTime():u}",
            X509ChainStatusFlags.PartialChain =>
                $"no issuer certificate found for '{subject}': nobody trusts '{DistinguishedName.Print(certificate.IssuerName.RawData)}' here; put its certificate into x509ca",
            X509ChainStatusFlags.UntrustedRoot => $"self-signed certificate '{subject}' is not trusted here; put it into x509ca",
            X509ChainStatusFlags.NotSignatureValid => $"the signature of certificate '{subject}' is not its issuer's",
            X509ChainStatusFlags.InvalidBasicConstraints => $"certificate '{subject}' may not issue what is below it: basicConstraints",
            X509ChainStatusFlags.InvalidPolicyConstraints or X509ChainStatusFlags.NoIssuanceChainPolicy =>
                $"the policies of the chain at certificate '{subject}' do not allow 'cert_policy': policyConstraints",
            X509ChainStatusFlags.NotValidForUsage => $"certificate '{subject}' may not be used for this: key usage",
            X509ChainStatusFlags.InvalidNameConstraints or X509ChainStatusFlags.HasNotPermittedNameConstraint or X509ChainStatusFlags.HasExcludedNameConstraint
                or X509ChainStatusFlags.HasNotSupportedNameConstraint or X509ChainStatusFlags.HasNotDefinedNameConstraint =>
                $"certificate '{subject}': a name below it is outside of its name constraints",
            X509ChainStatusFlags.HasNotSupportedCriticalExtension => $"certificate '{subject}' has a critical extension that is unknown here",
            X509ChainStatusFlags.NoError => null,
            // Words for all that matters above; the rest has the platform's.
            _ => $"certificate '{subject}': {flag}",
        };
    }
}
