using System.Collections.Immutable;

namespace Kuguru.Pki;

/// <summary>How much has to be known about a certificate's status (swanctl.conf <c>revocation</c>). One that is known to be revoked is never taken.</summary>
public enum RevocationPolicy
{
    /// <summary>What cannot be found out is no obstacle.</summary>
    Relaxed,

    /// <summary>Where there is an URI or a CRL, it has to say that all is well.</summary>
    IfUri,

    /// <summary>A CRL or OCSP response has to say that all is well.</summary>
    Strict,
}

/// <summary>What the world is asked to fetch: a CRL by GET, or an OCSP response to the body by POST.</summary>
public sealed record FetchRequest(string Uri, Blob Body)
{
    public override string ToString() => Uri;
}

/// <summary>URIs where an authority tells what it has revoked, beside those in its certificates (swanctl.conf <c>authorities</c>).</summary>
public sealed record AuthorityUris(string Name, Certificate Authority, ImmutableArray<string> CrlUris, ImmutableArray<string> OcspUris);

/// <summary>A CRL that was fetched and whose signature has been checked, for the next start; its name is the authority's and says whether it is a delta.</summary>
public sealed record ProvedList(string Name, RevocationList List);

/// <summary>What is known about the certificates of a chain.</summary>
/// <param name="Why">Why they are refused; null when they are not.</param>
/// <param name="Doubt">What could not be found out and is no obstacle; null when there is nothing.</param>
/// <param name="Missing">What has to be fetched before more can be said.</param>
public readonly record struct RevocationVerdict(string? Why, string? Doubt, ImmutableArray<FetchRequest> Missing);

/// <summary>
/// Revocation (RFC 5280 section 5, RFC 6960): OCSP first, then CRLs, as strongSwan has it. It fetches nothing: it says what is missing, and keeps what came
/// until it is out of date.
/// </summary>
public sealed class Revocation
{
    /// <summary>URIs of one certificate that are tried, of each kind.</summary>
    const int MaxUris = 4;

    /// <summary>A fetch that failed is not tried again for so long.</summary>
    static readonly TimeSpan _afterFailure = TimeSpan.FromSeconds(30);

    /// <summary>How far clocks may be apart.</summary>
    static readonly TimeSpan _skew = TimeSpan.FromMinutes(5);

    /// <summary>Answers that are kept, and how much of them.</summary>
    const int MaxKept = 1000, MaxKeptOctets = 32 << 20;

    /// <summary>Of the name of a file.</summary>
    const int MaxKeyIdLength = 64;

    readonly List<RevocationList> _loaded = [];
    readonly List<ProvedList> _proved = [];
    readonly Dictionary<FetchRequest, (RevocationList? List, OcspAnswer? Answer, DateTimeOffset At, string Why)> _fetched = [];

    enum Status { Good, Revoked, Unknown, NoSource }

    /// <summary>Ask OCSP responders (strongswan.conf <c>plugins.revocation.enable_ocsp</c>).</summary>
    public bool UsesOcsp { get; init; } = true;

    /// <summary>Look at CRLs, and fetch them (<c>plugins.revocation.enable_crl</c>).</summary>
    public bool UsesCrls { get; init; } = true;

    /// <summary>Have CRLs kept that were fetched and prove to be an authority's (<c>cache_crls</c>): see <see cref="TakeProved"/>.</summary>
    public bool KeepsLists { get; init; }

    /// <summary>CRLs that were loaded or fetched.</summary>
    public IEnumerable<RevocationList> Lists => _loaded.Concat(_fetched.Values.Select(entry => entry.List).OfType<RevocationList>()).DistinctBy(list => list.Der);

    /// <summary>OCSP responses that were fetched.</summary>
    public IEnumerable<OcspAnswer> Answers => _fetched.Values.Select(entry => entry.Answer).OfType<OcspAnswer>();

    /// <summary>A CRL from a file. A newer one takes the place of an older; false when there is nothing newer about it.</summary>
    public bool Add(RevocationList list)
    {
        if (_loaded.Any(other => other.IsOfSeries(list) && !list.IsNewerThan(other)))
            return false;
        _loaded.RemoveAll(other => other.IsOfSeries(list));
        _loaded.Add(list);
        return true;
    }

    /// <summary>What is to be kept since it was last asked for.</summary>
    public ImmutableArray<ProvedList> TakeProved()
    {
        ImmutableArray<ProvedList> taken = [.. _proved];
        _proved.Clear();
        return taken;
    }

    /// <summary>As a file would be: a flush leaves it alone. What is too much for that is kept until the flush.</summary>
    void Keep(RevocationList list, Certificate issuer)
    {
        if (!KeepsLists || _loaded.Count >= MaxKept || _loaded.Sum(one => one.Der.Length) + list.Der.Length > MaxKeptOctets || !Add(list))
            return;
        var named = issuer.KeyId is { Length: > 0 and <= MaxKeyIdLength } id ? id : issuer.Key.KeyFingerprint;
        _proved.Add(new($"{named}{(list.IsDelta ? "_delta" : "")}.crl", list));
    }

    /// <summary>What a fetch brought; null bytes is a failure with its reason.</summary>
    public void Answer(FetchRequest request, Blob? bytes, string why, DateTimeOffset at)
    {
        while (_fetched.Count >= MaxKept || _fetched.Values.Sum(entry => (entry.List?.Der.Length ?? 0) + (entry.Answer?.Der.Length ?? 0)) > MaxKeptOctets)
            _fetched.Remove(_fetched.MinBy(entry => entry.Value.At).Key);
        RevocationList? list = null;
        OcspAnswer? answer = null;
        if (bytes is { } got && (request.Body.IsEmpty ? !RevocationList.TryRead(got, out list, out why) : !OcspAnswer.TryRead(got, out answer, out why)))
            (list, answer) = (null, null);
        _fetched[request] = (list, answer, at, why);
    }

    /// <summary>Forgets all that was fetched.</summary>
    public void Flush() => _fetched.Clear();

    public void Clear()
    {
        Flush();
        _loaded.Clear();
    }

    /// <param name="chain">Trusted, the end entity first.</param>
    /// <param name="policy">What has to be known.</param>
    /// <param name="uris">Of each authority that has some besides.</param>
    /// <param name="signers">Certificates that are trusted to sign OCSP responses.</param>
    /// <param name="at">The time it is now.</param>
    /// <param name="mayWait">False: what is missing counts as not to be found out.</param>
    /// <param name="told">OCSP responses that the peer has sent.</param>
    public RevocationVerdict Judge(ImmutableArray<Certificate> chain, RevocationPolicy policy, IEnumerable<AuthorityUris> uris, IReadOnlyList<Certificate> signers, DateTimeOffset at, bool mayWait,
        IReadOnlyList<OcspAnswer>? told = null)
    {
        var missing = new List<FetchRequest>();
        var doubts = new List<string>();
        for (var i = 0; i + 1 < chain.Length; i++)
        {
            var (certificate, issuer) = (chain[i], chain[i + 1]);
            var before = missing.Count;
            var status = Check(certificate, issuer, Of(issuer, uris), signers, at, told ?? [], missing, out var why);
            if (status == Status.Revoked)
                return new($"certificate '{certificate.SubjectText}' is revoked: {why}", null, []);
            if (missing.Count > before && mayWait)
                continue;
            var isObstacle = policy switch
            {
                RevocationPolicy.Relaxed => false,
                RevocationPolicy.IfUri => status == Status.Unknown,
                RevocationPolicy.Strict => status != Status.Good,
            };
            if (isObstacle)
                return new($"nobody can say whether certificate '{certificate.SubjectText}' is revoked, which 'revocation = {policy.ToString().ToLowerInvariant()}' wants to know: {why}", null, []);
            if (status == Status.Unknown)
                doubts.Add($"whether certificate '{certificate.SubjectText}' is revoked is not known: {why}");
            else if (status == Status.Good && why.Length > 0)
                doubts.Add($"whether certificate '{certificate.SubjectText}' was revoked of late is not known: {why}");
        }
        return new(null, doubts.Count == 0 ? null : string.Join("; ", doubts), mayWait ? [.. missing] : []);
    }

    Status Check(Certificate certificate, Certificate issuer, List<AuthorityUris> own, IReadOnlyList<Certificate> signers, DateTimeOffset at,
        IReadOnlyList<OcspAnswer> told, List<FetchRequest> missing, out string why)
    {
        var ocsp = OcspUris(certificate, own);
        List<string> crls = UsesCrls ? [.. own.SelectMany(one => one.CrlUris).Concat(DistributionPoints.Crl(certificate)).Distinct().Take(MaxUris)] : [];
        List<RevocationList> loaded = UsesCrls ? [.. _loaded.Where(list => list.Issuer == certificate.Issuer).OrderByDescending(list => list.ThisUpdate)] : [];
        foreach (var answer in told)
        {
            if (answer.StatusOf(certificate, issuer, signers, at, out why) is { } said)
            {
                why = said ? "" : $"OCSP response that the peer has sent: {why}";
                return said ? Status.Good : Status.Revoked;
            }
        }
        why = "there is neither a CRL nor an URI of one or of an OCSP responder";
        foreach (var uri in ocsp)
        {
            var request = new FetchRequest(uri, OcspAnswer.Ask(certificate, issuer));
            if (Look(request, at, missing) is not { } kept)
            {
                why = $"{uri} has not answered yet";
                return Status.Unknown;
            }
            var status = kept.Answer is null ? null : kept.Answer.StatusOf(certificate, issuer, signers, at, out why);
            why = kept.Answer is null ? $"{uri}: {kept.Why}" : why.Length > 0 ? $"OCSP response of {uri}: {why}" : "";
            if (status is { } said)
                return said ? Status.Good : Status.Revoked;
        }
        foreach (var list in loaded)
        {
            if (Ask(list, certificate, issuer, at, "the CRL that is loaded", missing, ref why) is { } said)
                return said ? Status.Good : Status.Revoked;
        }
        foreach (var uri in crls)
        {
            if (Look(new FetchRequest(uri, Blob.Empty), at, missing) is not { } kept)
            {
                why = $"{uri} has not answered yet";
                return Status.Unknown;
            }
            if (kept.List is null)
                why = $"{uri}: {kept.Why}";
            else if (Ask(kept.List, certificate, issuer, at, uri, missing, ref why) is { } said)
                return said ? Status.Good : Status.Revoked;
        }
        return ocsp.Count + crls.Count + loaded.Count == 0 ? Status.NoSource : Status.Unknown;
    }

    static List<AuthorityUris> Of(Certificate issuer, IEnumerable<AuthorityUris> uris) => [.. uris.Where(one => one.Authority.Subject == issuer.Subject)];

    List<string> OcspUris(Certificate certificate, List<AuthorityUris> own) =>
        UsesOcsp ? [.. own.SelectMany(one => one.OcspUris).Concat(DistributionPoints.Ocsp(certificate)).Distinct().Take(MaxUris)] : [];

    /// <summary>An OCSP response that says what a certificate's status is, for somebody else to read; null when there is none, or when one is missing still.</summary>
    public OcspAnswer? StatusOf(Certificate certificate, Certificate issuer, IEnumerable<AuthorityUris> uris, IReadOnlyList<Certificate> signers, DateTimeOffset at, List<FetchRequest> missing)
    {
        foreach (var uri in OcspUris(certificate, Of(issuer, uris)))
        {
            if (Look(new FetchRequest(uri, OcspAnswer.Ask(certificate, issuer)), at, missing) is not { } kept)
                return null;
            if (kept.Answer?.StatusOf(certificate, issuer, signers, at, out _) is not null)
                return kept.Answer;
        }
        return null;
    }

    /// <summary>True is good, false revoked, null neither: it is out of date or not of this issuer. When it is good, the reason says what its delta is not good for.</summary>
    bool? Ask(RevocationList list, Certificate certificate, Certificate issuer, DateTimeOffset at, string from, List<FetchRequest> missing, ref string why)
    {
        if (list.IsDelta)
            why = $"{from} is a delta CRL, which has only what is new";
        else if (WhyMisplaced(list, certificate, issuer, at, from) is { } misplaced)
            why = misplaced;
        // A stale list can still say that something was revoked.
        else if (list.RevokedAt(certificate) is { } since)
        {
            why = $"since {since:u}, says {from}";
            return false;
        }
        else if (list.NextUpdate < at)
            why = $"{from} is out of date since {list.NextUpdate:u}";
        else
            return AskDelta(list, certificate, issuer, at, missing, out why);
        return null;
    }

    /// <summary>
    /// What has been revoked since. A delta that cannot be had takes nothing away from the complete list, whose nextUpdate has not come; while it is missing, the
    /// list has the word.
    /// </summary>
    bool AskDelta(RevocationList complete, Certificate certificate, Certificate issuer, DateTimeOffset at, List<FetchRequest> missing, out string why)
    {
        why = "";
        foreach (var delta in _loaded.Where(delta => delta.Extends(complete)).ToList())
        {
            if (HasSince(delta, "the delta CRL that is loaded", ref why) is { } since)
                return !since;
        }
        foreach (var uri in complete.FreshestUris.Take(MaxUris))
        {
            if (Look(new FetchRequest(uri, Blob.Empty), at, missing) is not { } kept)
                return true;
            if (kept.List is not { } delta)
                why = $"{uri}: {kept.Why}";
            else if (!delta.IsDelta || !delta.Extends(complete))
                why = $"{uri} is no delta of the CRL";
            else if (HasSince(delta, uri, ref why) is { } since)
                return !since;
        }
        return true;

        bool? HasSince(RevocationList delta, string from, ref string why)
        {
            if (WhyMisplaced(delta, certificate, issuer, at, from) is { } misplaced)
                why = misplaced;
            else if (delta.RevokedAt(certificate) is { } since)
            {
                why = $"since {since:u}, says {from}";
                return true;
            }
            else if (delta.NextUpdate < at)
                why = $"{from} is out of date since {delta.NextUpdate:u}";
            else
            {
                why = "";
                return false;
            }
            return null;
        }
    }

    /// <summary>Why a list says nothing about a certificate, now or ever; null when it does. What is of its issuer and not out of date is worth keeping.</summary>
    string? WhyMisplaced(RevocationList list, Certificate certificate, Certificate issuer, DateTimeOffset at, string from)
    {
        if (!list.IsSignedBy(issuer))
            return $"{from} is not signed by '{issuer.SubjectText}'";
        if (list.ThisUpdate - _skew > at)
            return $"{from} is of the future: {list.ThisUpdate:u}";
        if (list.NextUpdate >= at)
            Keep(list, issuer);
        return list.Covers(certificate) ? null : $"{from} is not about {(certificate.IsAuthority ? "authorities" : "end entities")} like this one";
    }

    /// <summary>What is kept of a fetch; null, and it is missing, when that is nothing or out of date.</summary>
    (RevocationList? List, OcspAnswer? Answer, string Why)? Look(FetchRequest request, DateTimeOffset at, List<FetchRequest> missing)
    {
        if (_fetched.TryGetValue(request, out var kept))
        {
            var until = kept.List?.NextUpdate ?? kept.Answer?.NextUpdate ?? kept.At + _afterFailure;
            // Fetched out of date, it is not fetched for every peer again.
            if (at <= until || at <= kept.At + _afterFailure)
                return (kept.List, kept.Answer, kept.Why);
            _fetched.Remove(request);
        }
        missing.Add(request);
        return null;
    }
}
