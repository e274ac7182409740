using System.Security.Cryptography;
using Kuguru.Engine;
using Kuguru.Ike;
using Kuguru.Pki;
using Kuguru.Wire;

namespace Kuguru.Daemon.Vici;

/// <summary>What loads, unloads and lists certificates, private keys and authorities. A message with any error changes nothing.</summary>
sealed class CertificateCommands(ControlLoop loop)
{
    public void Register(ViciServer server)
    {
        server.Command("load-cert", (call, _) => LoadCertificate(call.Request));
        server.Command("load-key", (call, _) => LoadKey(call.Request));
        server.Command("unload-key", (call, _) => UnloadKey(call.Request));
        server.Command("get-keys", async (_, _) => new ViciMessage { { "keys", await Ask(node => node.Certificates.Keys.Select(key => key.Key).ToList()) } });
        server.Command("load-authority", (call, _) => LoadAuthorities(call.Request));
        server.Command("unload-authority", (call, _) => UnloadAuthority(call.Request));
        server.Command("get-authorities", async (_, _) => new ViciMessage { { "authorities", await Ask(node => node.Certificates.NamedAuthorities.Keys.Order().ToList()) } });
        server.Command("list-authorities", ListAuthorities);
        server.Command("list-certs", ListCertificates);
        server.Command("flush-certs", (call, _) => Flush(call.Request));
        server.Command("load-token", (_, _) => Failed("keys on tokens are not supported: load them from files"));
    }

    Task<ViciMessage> LoadCertificate(ViciMessage request)
    {
        if (request["type"] is not { } named)
            return Failed("certificate type missing");
        var (type, flag) = CertificateTypes.Read(named, request["flag"] ?? "NONE");
        if (request.Bytes("data") is not { IsEmpty: false } data)
            return Failed("certificate data missing");
        return type switch
        {
            "X509" => LoadX509(data, flag),
            "X509_CRL" => RevocationList.TryRead(Blob.Copy(data.Span), out var list, out var why)
                ? Change(store => store.Revocation.Add(list)) : Failed($"loading a CRL failed: {why}"),
            "PUBKEY" => PublicKey.TryReadFile(data.Span, out var key, out var why)
                ? Change(store => store.Add(key)) : Failed($"loading a public key failed: {why}"),
            "X509_AC" => Failed("attribute certificates are not supported"),
            _ => Failed($"invalid certificate type '{named}': X509, X509_CRL and PUBKEY are known"),
        };
    }

    Task<ViciMessage> LoadX509(ReadOnlyMemory<byte> data, string flag)
    {
        if (!Certificate.TryRead(data.Span, out var certificate, out var why))
            return Failed($"loading an X.509 certificate failed: {why}");
        return flag switch
        {
            "NONE" => Change(store => store.Add(certificate)),
            "CA" when certificate.IsAuthority => Change(store => store.Add(certificate)),
            "CA" => Failed($"'{certificate.SubjectText}' is no authority: its basicConstraints do not say so; put it into x509"),
            "OCSP" => Change(store => store.AddOcspSigner(certificate)),
            "AA" => Failed("attribute authorities are not supported: there are no attribute certificates"),
            _ => Failed($"invalid certificate flag '{flag}': NONE, CA and OCSP are known"),
        };
    }

    Task<ViciMessage> LoadKey(ViciMessage request)
    {
        if (request.Bytes("data") is not { IsEmpty: false } data)
            return Failed("key data missing");
        var type = request["type"]?.ToUpperInvariant() ?? "ANY";
        if (type is not ("ANY" or "PRIV" or "") && !Enum.TryParse<KeyKind>(type, ignoreCase: true, out _))
            return Failed($"invalid key type: {type}");
        if (KeyFile.IsEncrypted(data.Span))
            return Failed("the private key has a passphrase: give it in a secret of the types private, rsa, ecdsa or pkcs8");
        var der = KeyFile.Decode(data.Span, out _);
        try
        {
            if (!PrivateKey.TryRead(der, out var key, out var why))
                return Failed($"loading a private key failed: {why}");
            if (type is not ("ANY" or "PRIV" or "") && !type.Equals($"{key.Public.Kind}", StringComparison.OrdinalIgnoreCase))
                return Failed($"the private key is of the type {key.Public.Kind}, not {type}");
            return Ask(node => new ViciMessage { { "success", "yes" }, { "id", node.Certificates.Add(key) } });
        }
        finally
        {
            CryptographicOperations.ZeroMemory(der);
        }
    }

    Task<ViciMessage> UnloadKey(ViciMessage request) => request["id"] is not { } id
        ? Failed("key id missing")
        : Ask(node => node.Certificates.RemoveKey(id.ToLowerInvariant()) ? Reply.Success : Reply.Failed($"private key not found: {id}"));

    async Task<ViciMessage> LoadAuthorities(ViciMessage request)
    {
        var authorities = new List<AuthorityUris>();
        foreach (var section in request.Sections)
        {
            if (AuthorityReader.Read(section.Name, section.Body, out var errors) is not { } authority)
                return Reply.Refused(errors);
            authorities.Add(authority);
        }
        return await Change(store => authorities.ForEach(store.Add));
    }

    Task<ViciMessage> UnloadAuthority(ViciMessage request) => request["name"] is not { } name
        ? Failed("unload: missing authority name")
        : Ask(node => node.Certificates.RemoveAuthority(name) ? Reply.Success : Reply.Failed($"unload: authority '{name}' not found"));

    async Task<ViciMessage> ListAuthorities(ViciCall call, CancellationToken gone)
    {
        var authorities = await Ask(node => node.Certificates.NamedAuthorities.Values.ToList());
        foreach (var authority in authorities.Where(one => call.Request["name"] is not { } name || one.Name == name).OrderBy(one => one.Name, StringComparer.Ordinal))
        {
            await call.Stream("list-authority", new ViciMessage
            {
                {
                    authority.Name, new ViciMessage
                    {
                        { "cacert", authority.Authority.SubjectText }, { "crl_uris", authority.CrlUris }, { "ocsp_uris", authority.OcspUris },
                    }
                },
            }, gone);
        }
        return [];
    }

    /// <summary>One certificate as it is listed; only X.509 certificates have flags.</summary>
    sealed record Listed(string Type, string? Flag, Blob Data, bool HasKey, Func<Identity, bool> Fits);

    async Task<ViciMessage> ListCertificates(ViciCall call, CancellationToken gone)
    {
        var (type, flag) = CertificateTypes.Read(call.Request["type"] ?? "ANY", call.Request["flag"] ?? "ANY");
        Identity? subject = null;
        if (call.Request["subject"] is { } text && !Identity.TryParse(text, out subject, out var error))
            return Reply.Failed(error);
        var all = await Ask(node => List(node.Certificates).ToList());
        // As charon has it, a flag without a type chooses nothing; and a CRL for which VICI has no room is left out.
        foreach (var one in all.Where(one => one.Data.Length <= ViciEncoding.MaxValue).Where(one => type is "ANY" || (type == one.Type && (one.Flag is null || flag is "ANY" || flag == one.Flag)))
            .Where(one => subject is null || one.Fits(subject)))
        {
            await call.Stream("list-cert", new ViciMessage
            {
                { "type", one.Type },
                { "flag", one.Flag },
                { "has_privkey", one.HasKey ? "yes" : null },
                { "data", one.Data.Memory },
            }, gone);
        }
        return [];
    }

    /// <summary>In charon's order: by kind, and what was loaded last first.</summary>
    static IEnumerable<Listed> List(CertificateStore store)
    {
        Listed x509(Certificate certificate, string flag) => new("X509", flag, certificate.Der, store.KeyFor(certificate.Key) is not null,
            wanted => PeerNames.Of(certificate).Any(name => wanted.Fits(name) > 0));
        foreach (var key in store.PublicKeys.Reverse())
            yield return new("PUBKEY", null, key.Info, store.KeyFor(key) is not null, wanted => wanted.Fits(new Identity(IdType.KeyId, key.Fingerprint)) > 0);
        var signers = store.Certificates.Where(one => !one.IsAuthority && one.SignsOcsp).Union(store.OcspSigners).ToList();
        foreach (var certificate in store.Certificates.Where(one => !one.IsAuthority && !signers.Contains(one)).Reverse())
            yield return x509(certificate, "NONE");
        foreach (var certificate in store.Authorities.Reverse())
            yield return x509(certificate, "CA");
        foreach (var certificate in Enumerable.Reverse(signers))
            yield return x509(certificate, "OCSP");
        foreach (var list in store.Revocation.Lists.Reverse())
            yield return new("X509_CRL", null, list.Der, false, wanted => wanted.Fits(new Identity(IdType.DerAsn1Dn, list.Issuer)) > 0);
        foreach (var answer in store.Revocation.Answers)
            yield return new("OCSP_RESPONSE", null, answer.Der, false, _ => false);
    }

    /// <summary>What was fetched is forgotten; nothing else is a cache here.</summary>
    Task<ViciMessage> Flush(ViciMessage request) => CertificateTypes.Read(request["type"] ?? "ANY", "ANY").Type switch
    {
        "ANY" or "X509_CRL" or "OCSP_RESPONSE" => Change(store => store.Revocation.Flush()),
        "X509" or "X509_AC" or "PUBKEY" => Task.FromResult(Reply.Success),
        _ => Failed($"invalid certificate type '{request["type"]}'"),
    };

    Task<ViciMessage> Change(Action<CertificateStore> change) => Ask(node =>
    {
        change(node.Certificates);
        return Reply.Success;
    });

    static Task<ViciMessage> Failed(string why) => Task.FromResult(Reply.Failed(why));

    Task<T> Ask<T>(Func<Node, T> question) => loop.Ask((node, _, _) => question(node));
}

/// <summary>The types and flags of certificates in messages, and the older names of both together, which swanctl's folders have.</summary>
static class CertificateTypes
{
    /// <summary>In capitals, as charon writes them. A type of its own has its flag with it.</summary>
    public static (string Type, string Flag) Read(string type, string flag) => type.ToUpperInvariant() switch
    {
        "X509CA" => ("X509", "CA"),
        "X509OCSP" => ("X509", "OCSP"),
        "X509AA" => ("X509", "AA"),
        "X509AC" => ("X509_AC", "NONE"),
        "X509CRL" => ("X509_CRL", "NONE"),
        var other => (other, flag.ToUpperInvariant()),
    };
}
